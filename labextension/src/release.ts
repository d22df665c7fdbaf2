/** The release of this package; a test holds it equal to package.json. */
export const RELEASE = '0.1.0';
