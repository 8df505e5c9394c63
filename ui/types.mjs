// Makes src/api/gateway.ts, the types of what the gateway answers, of the API's schemas, which are
// those of its OpenAPI document. `node types.mjs --check` fails while the file is not what they make.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const FROM = 'operator/gateway/api/api_schemas.cc';
const TO = join(here, 'src/api/gateway.ts');

export function schemas() {
  const text = readFileSync(join(here, '..', FROM), 'utf8');
  return JSON.parse(/R"json\((.*)\)json"/s.exec(text)[1]);
}

function typeOf(schema, indent) {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.enum) return schema.enum.map((word) => `'${word}'`).join(' | ');
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time' ? 'Time' : 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array': {
      if (schema.prefixItems)
        return `[${schema.prefixItems.map((item) => typeOf(item, indent)).join(', ')}]`;
      const item = typeOf(schema.items, indent);
      if (schema.maxItems && schema.maxItems === schema.minItems)
        return `[${Array(schema.maxItems).fill(item).join(', ')}]`;
      return /[|]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'object': {
      if (schema.properties) return fields(schema, indent);
      const other = schema.additionalProperties;
      return `Record<string, ${typeof other === 'object' ? typeOf(other, indent) : 'Value'}>`;
    }
    default:
      return 'Value';
  }
}

function fields(schema, indent) {
  const lines = Object.entries(schema.properties).map(([name, field]) => {
    const optional = schema.required.includes(name) ? '' : '?';
    const says = field.description ? ` // ${field.description}` : '';
    return `${indent}  ${name}${optional}: ${typeOf(field, `${indent}  `)};${says}\n`;
  });
  return lines.length > 0 ? `{\n${lines.join('')}${indent}}` : '{}';
}

function made() {
  const types = Object.entries(schemas()).map(
    ([name, schema]) => `export interface ${name} ${typeOf(schema, '')}\n`,
  );
  return `// Made by \`node types.mjs\` of ${FROM}: what the gateway answers.
import type { Time, Value } from './types';

${types.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = made();
  if (!process.argv.includes('--check')) writeFileSync(TO, text);
  else if (readFileSync(TO, 'utf8') !== text) {
    console.error('ui/src/api/gateway.ts is not what the API answers: run `node types.mjs` in ui/');
    process.exit(1);
  }
}
