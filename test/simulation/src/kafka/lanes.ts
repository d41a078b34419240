/** Runs `work` for `count` seeds from `first` on, so many at a time, until all are done or `enough` says so. */
export async function inLanes(
  { first, count, lanes }: { readonly first: number; readonly count: number; readonly lanes: number },
  work: (seed: number) => Promise<void>,
  enough: () => boolean = () => false,
): Promise<void> {
  let next = first;
  const lane = async (): Promise<void> => {
    while (next < first + count && !enough()) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
