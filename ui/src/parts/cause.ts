// The cause in what a run or a step says of its failure: the sentence says it last, behind the step,
// the reason and the exit code, and in a row of a table there is no room for what comes before it.

export interface Told {
  step?: string;
  reason?: string;
  message?: string;
}

// "step ingest (ExitCode): exit code 1: ..." without the step and the reason, which stand beside it.
export function withoutStep({ step, reason, message = '' }: Told): string {
  const begin = `step ${step} (${reason}): `;
  return message.startsWith(begin) ? message.slice(begin.length) : message;
}

const LAST_WORDS = /^[^]*; its last words: "([^]*)"(?=;|$)/;
const RETRIES = /; (it is )?not tried again( \([^)]*\))?/;
const ADDRESS = /^(?:\w+:\/)?\/\S*: /;
const EXIT_CODE = /^exit code \d+: /;
const LONG_PATH = /(?:\w+:\/)?(?:\/[^\s/:;,'"]+){4,}(?=\/)/g;

export function causeOf(told: Told): string {
  const said = withoutStep(told)
    .replace(RETRIES, '')
    .replace(LAST_WORDS, '$1')
    .replace(EXIT_CODE, '');
  const named = told.step ? `${told.step}: ` : '';
  const text = named && said.startsWith(named) ? said.slice(named.length) : said;
  // The file, where there is more to say than what is wrong with it: a place in it, a parameter.
  const inFile = text.replace(ADDRESS, '');
  return (inFile.includes(': ') ? inFile : text).replace(LONG_PATH, '…');
}
