/** HTTP's plain user and password. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** The value of an `Authorization` header. */
export const basicHeader = ({ username, password }: BasicCredentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
