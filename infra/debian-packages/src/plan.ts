/** One package that is to be unpacked, in the version that fits this system. */
export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
}

/**
 * The packages in what `apt-get --simulate install` prints (in C locale): `Inst name [installed] (version origin
 * [architecture])`. What is installed already is not among them.
 */
export function parsePlan(output: string): PlannedPackage[] {
  return [...output.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)].map(
    ([, name = '', version = '']) => ({
      name,
      version,
    }),
  );
}
