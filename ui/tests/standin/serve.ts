// Serves the stand-in for people who work on the page: node .test/standin/serve.mjs [PORT] [CHANGES]
// CHANGES: of steps a second in the run of 5,000.
import { resolve } from 'node:path';

import { standIn } from './standin';

const [port = '8088', changes] = process.argv.slice(2);
const gateway = standIn(resolve('dist'));
console.log(await gateway.listen(Number(port)));
if (changes) gateway.change('big', 'five-thousand', Number(changes));
