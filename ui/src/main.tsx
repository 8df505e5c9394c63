// The page: which view an address shows.
import { render } from 'preact';
import { useEffect } from 'preact/hooks';

import { ArtifactPage } from './data/artifact_page';
import { LineagePage } from './lineage/lineage_page';
import { ModelPage, ModelsPage } from './models/models_page';
import { PipelinePage, PipelinesPage } from './pipelines/pipelines_page';
import { RunPage } from './run/run_page';
import { ComparePage } from './runs/compare_page';
import { GridPage } from './runs/grid_page';
import { RunsPage } from './runs/runs_page';
import { loadMe, me } from './shell/me';
import { NoNamespace } from './shell/no_namespace';
import { go, href, namespace, parse, route } from './shell/route';
import { Shell } from './shell/shell';
import './shell/theme';
import { t, type Word } from './words/words';

const TITLES: Record<string, Word> = {
  artifacts: 'artifact',
  compare: 'compare',
  grid: 'grid',
  lineage: 'lineage',
  models: 'models',
  pipelines: 'pipelines',
  runs: 'runs',
};

function View() {
  const [at = '', view = 'runs', name] = route.value.parts;
  if (!at) return me.value?.namespaces.length === 0 ? <NoNamespace /> : null;
  switch (view) {
    case 'runs':
      return name ? <RunPage key={name} namespace={at} name={name} /> : <RunsPage namespace={at} />;
    case 'compare':
      return <ComparePage namespace={at} />;
    case 'grid':
      return <GridPage namespace={at} />;
    case 'pipelines':
      return name ? (
        <PipelinePage key={name} namespace={at} name={name} />
      ) : (
        <PipelinesPage namespace={at} />
      );
    case 'models':
      return name ? (
        <ModelPage key={name} namespace={at} name={name} />
      ) : (
        <ModelsPage namespace={at} />
      );
    case 'artifacts':
      return name ? <ArtifactPage key={name} namespace={at} digest={name} /> : <Unknown />;
    case 'lineage':
      return <LineagePage namespace={at} />;
    default:
      return <Unknown />;
  }
}

function Unknown() {
  return <p class="empty">{t('unknownPage')}</p>;
}

function App() {
  const first = me.value?.namespaces[0];
  useEffect(() => {
    // The address may be another by now than the one that was drawn.
    if (!parse(location.hash).parts[0] && first) go(href([first, 'runs']), true);
  }, [namespace.value, first]);
  useEffect(() => {
    if (namespace.value && me.value && !me.value.may[namespace.value]) void loadMe();
  }, [namespace.value]);
  const [, view = 'runs', name] = route.value.parts;
  useEffect(() => {
    const word = TITLES[view];
    document.title = `${name ? `${name} · ` : ''}${word ? t(word) : ''} · Penstock`;
  }, [view, name]);
  return (
    <Shell>
      <View key={namespace.value} />
    </Shell>
  );
}

void loadMe();
render(<App />, document.getElementById('app')!);
