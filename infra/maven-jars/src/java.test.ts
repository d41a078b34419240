import { expect, it } from 'vitest';
import { findJava, javaPlaces, majorOf } from './java.js';

it.each([
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)', 17],
  ['openjdk version "25" 2025-09-16 LTS', 25],
  ['java version "1.8.0_392"', 8],
  ['openjdk version "21-ea" 2023-09-19', 21],
  ['bash: java: command not found', undefined],
])('reads the feature release of %j', (text, major) => {
  expect(majorOf(text)).toBe(major);
});

it('looks first where JAVA_HOME says, then where the shell would', async () => {
  const places = await javaPlaces({ JAVA_HOME: '/jdk', PATH: '/a::/b' });
  expect(places.slice(0, 3)).toEqual(['/jdk/bin/java', '/a/java', '/b/java']);
});

it('finds a Java that is new enough, and says what is there when none is', async () => {
  expect((await findJava({ atLeast: 17 })).major).toBeGreaterThanOrEqual(17);
  await expect(findJava({ atLeast: 999 })).rejects.toThrow(
    /MR-7006.*Java 999 or later is needed; there is Java \d+/,
  );
});
