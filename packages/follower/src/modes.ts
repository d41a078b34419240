import { Fault } from '@millrace/runtime';

/** How the appliers of a follower share its work. */
export type FollowerMode = 'transactional' | 'partitioned';

/** MR-4013: the follower's position rows are those of the other mode. */
export const wrongMode = (follower: string, registered: FollowerMode): Fault =>
  new Fault('MR-4013', {
    detail: `Follower ${follower} is registered in ${registered} mode, and is to be used in the other.`,
  });
