// Where a tab keeps the token that a person gave.
export const STORED = 'penstock.token';
