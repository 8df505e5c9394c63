// The models that are served, and how their newest version takes over.
import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { List, Model, ModelRow, ModelVersion } from '../api/types';
import { At, Digest, Loading, Name, Trouble } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { shown } from '../parts/shown';
import { Table, type Column } from '../parts/table';
import { Conditions } from '../run/run_page';
import { go, href } from '../shell/route';
import { t } from '../words/words';
import { History, RolloutSection } from './rollout';

export function ModelsPage({ namespace }: { namespace: string }) {
  const live = useLive<List<ModelRow>>(inNamespace(namespace, ['models'], { limit: 500 }), 5000);
  const open = (model: ModelRow) => href([namespace, 'models', model.name]);
  const columns: Column<ModelRow>[] = [
    {
      key: 'phase',
      label: t('phase'),
      width: '128px',
      cell: (model) => <Phase phase={model.phase} />,
    },
    {
      key: 'name',
      label: t('model'),
      width: 'minmax(120px, 1fr)',
      cell: (model) => (
        <a href={open(model)}>
          <Name text={model.name} />
        </a>
      ),
    },
    {
      key: 'reason',
      label: t('reason'),
      width: 'minmax(140px, 2fr)',
      cell: (model) => (
        <span class="reason">
          <span class="mono">{shown(model.reason ?? model.rollout?.phase ?? '')}</span>{' '}
          <span class="dim">{shown(model.message ?? model.rollout?.message ?? '')}</span>
        </span>
      ),
    },
    {
      key: 'versions',
      label: t('versions'),
      width: 'minmax(120px, 1fr)',
      cell: (model) => (
        <span class="reason">
          {model.versions
            .filter((version) => version.weight)
            .map((version) => `${shown(version.name)} ${version.weight}`)
            .join(' · ')}
        </span>
      ),
    },
  ];
  return (
    <section class="page">
      <header class="bar">
        <h1>{t('models')}</h1>
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      <Table
        class="models"
        label={t('models')}
        rows={live.data.value?.items ?? []}
        id={(model) => model.name}
        columns={columns}
        onOpen={(model) => go(open(model))}
        empty={live.data.value ? t('modelsNone') : t('loading')}
      />
    </section>
  );
}

export function ModelPage({ namespace, name }: { namespace: string; name: string }) {
  const live = useLive<Model>(inNamespace(namespace, ['models', name]), 2000);
  const model = live.data.value;
  return (
    <section class="page scrolls">
      <header class="bar">
        <h1>
          <a href={href([namespace, 'models'])}>{t('models')}</a> <span class="dim">/</span>{' '}
          <Name text={name} />
        </h1>
        {model && <Phase phase={model.phase} />}
        <span class="grow" />
        <a class="button" href={href([namespace, 'lineage'], { model: name })}>
          {t('lineage')}
        </a>
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      {!model && !live.error.value && <Loading />}
      {model && (
        <>
          {(model.reason || model.message) && (
            <p class="why-run">
              <span class="mono">{shown(model.reason ?? '')}</span> {shown(model.message ?? '')}
            </p>
          )}
          {model.url && <p class="mono">{shown(model.url)}</p>}
          <Traffic versions={model.versions} />
          <RolloutSection
            namespace={namespace}
            model={model}
            onChange={() => setTimeout(live.refresh, 300)}
          />
          <Versions namespace={namespace} versions={model.versions} />
          <History history={model.history} />
          <Conditions conditions={model.conditions} />
        </>
      )}
    </section>
  );
}

// Who gets how much, as one bar.
function Traffic({ versions }: { versions: ModelVersion[] }) {
  const served = versions.filter((version) => Number.parseFloat(version.weight ?? '') > 0);
  if (served.length === 0) return null;
  const said = served.map((version) => `${version.name} ${version.weight}`).join(', ');
  return (
    <div class="traffic" role="img" aria-label={`${t('weight')}: ${said}`}>
      {served.map((version, n) => (
        <span
          key={version.name}
          class={`share-${n % 3}`}
          style={{ flexGrow: Number.parseFloat(version.weight ?? '') }}
        >
          <Name text={version.name} /> · {version.weight}
        </span>
      ))}
    </div>
  );
}

function Versions({ namespace, versions }: { namespace: string; versions: ModelVersion[] }) {
  return (
    <section>
      <h2>{t('versions')}</h2>
      <div class="wide" tabIndex={0} role="region" aria-label={t('versions')}>
        <table class="plain-table">
          <thead>
            <tr>
              <th>{t('version')}</th>
              <th>{t('phase')}</th>
              <th class="number">{t('weight')}</th>
              <th>{t('digest')}</th>
              <th>{t('producer')}</th>
              <th class="number">{t('created')}</th>
              <th class="number">{t('servers')}</th>
              <th>{t('reason')}</th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version) => (
              <tr key={version.name}>
                <th scope="row">
                  <Name text={version.name} />
                </th>
                <td>
                  <Phase phase={version.phase ?? version.role} />
                </td>
                <td class="number">{version.weight}</td>
                <td><Digest digest={version.digest} /></td>
                <td>
                  {version.run && (
                    <a href={href([namespace, 'runs', version.run])}>
                      <Name text={version.run} />
                    </a>
                  )}
                  {!version.run && <span class="mono">{shown(version.source ?? '')}</span>}
                </td>
                <td class="number">
                  <At time={version.created} />
                </td>
                <td class="number">
                  {version.readyReplicas}/{version.replicas}
                </td>
                <td class="dim">{shown(version.reason ?? '')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
