"""Which features an example of Flyte needs (examples/ of flyteorg/flytesnacks): read from its program's text."""
import re

PATTERN = "examples/**/*.py"


def examples(root):
    """(name, Example): every program that uses flytekit or one of its plugins."""
    for path in sorted(root.glob(PATTERN)):
        text = path.read_text()
        if path.name != "__init__.py" and re.search(r"^\s*(from|import) flytekit", text, re.M):
            yield str(path.relative_to(root)), Example(text)


class Example:
    def __init__(self, text):
        self.code = re.sub(r"^\s*#.*$", "", text, flags=re.M)  # what is said of the code is no use of it
        self.image_specs = [_arguments(text) for text in re.split(r"\bImageSpec\(", self.code)[1:]]

    def uses(self, pattern):
        return bool(re.search(pattern, self.code, re.M))


def _arguments(text):
    """The names of the arguments of a call whose text begins after its bracket."""
    depth, names = 1, set()
    for m in re.finditer(r"[(\[{]|[)\]}]|\b(\w+)=(?!=)|\"[^\"]*\"|'[^']*'", text):
        if m[0] in "([{":
            depth += 1
        elif m[0] in ")]}":
            depth -= 1
            if depth == 0:
                names.update(re.findall(r"^\s*\.(with_\w+)\(", text[m.end():]))
                break
        elif m[1] and depth == 1:
            names.add(m[1])
    return names


# What of an ImageSpec container.{image, env, code} say: packages by code.requirements, files by code. An image that is not
# built needs no name, no registry and no builder.
SAID_BY_CODE = {"packages", "requirements", "copy", "source_root", "base_image", "python_version", "env", "name", "registry", "builder"}


def uses(*patterns):
    """A detector: one of the patterns stands in the program, comments left out."""
    return lambda e: any(e.uses(p) for p in patterns)


ENGINES = (r"task_config=(Spark|Databricks|RayJobConfig|Dask|MPIJob|HorovodJob|PyTorch|Elastic|TfJob|AWSBatchConfig|MMCloudConfig|"
           r"PerianConfig|SlurmFunction|Slurm\w*|AirflowObj|NIM)|\b(Spark|Dask|RayJobConfig|MPIJob|Elastic|PyTorch|TfJob|Slurm\w+|"
           r"DatabricksV2|AWSBatchConfig|MMCloudConfig|PerianConfig)\(|\bairflow\.(operators|providers|sensors)|import airflow|modin")
CONNECTORS = (r"(BigQuery|Snowflake|Athena|Hive|ChatGPT|SageMaker\w*)(Task|SelectTask)?\(|create_sagemaker_deployment|"
              r"create_batch\(")

DETECTORS = {
    # what there is to run, and with what
    "container": lambda e: True,
    "script": uses(r"ShellTask\(|\bNotebookTask\("),
    "dag/steps order": uses(r">>|create_node"),
    "cache/memoize": uses(r"cache=True|cache_version"),
    "artifact passing": uses(r"FlyteFile|FlyteDirectory|StructuredDataset|FlyteSchema|pd\.DataFrame|pandas\.DataFrame"),
    "resources": uses(r"\bResources\(|requests=|limits="),
    "retry limit": uses(r"\bretries="),
    "step timeout": uses(r"\btimeout=(?!.*wait)"),
    "env from ConfigMap/Secret/fieldRef": uses(r"secret_requests|\.secrets\.get|Secret\("),
    "run a stored template": uses(r"@?reference_(task|launch_plan|workflow)"),
    "node placement": uses(r"accelerator=|node_selector|tolerations"),
    # control flow
    "loop over a run-time list": uses(r"\bmap_task\(", r"@dynamic", r"@eager"),
    "collect outputs of a loop": uses(r"map_task\(.*\)\(", r"coalesce"),
    "map over partial": uses(r"(functools\.)?partial\([^)]*\)[\s\S]*map_task"),
    "condition on a value": uses(r"^\s*(return |\w+ = )?\(?\s*conditional\("),
    "nested pipelines (flatten)": uses(r"sub_?(wf|workflow)\w*\(|inner_workflow|nested_(parent_)?w\w*\("),
    "child run of another pipeline": uses(r"reference_launch_plan|create_node\(\s*\w*lp|LaunchPlan[\s\S]*def \w+\([^)]*\)[\s\S]*_lp\("),
    "exit handler/finally": uses(r"on_failure="),
    "approval/gate (suspend node)": uses(r"\bapprove\(|wait_for_input\("),
    "timed suspend": uses(r"from flytekit import .*\bsleep\b|= sleep\(|^\s*sleep\("),
    "expressions (expr/sprig/jsonpath)": uses(r"SensorEngine|JSONPath|\w+\.\w+\[.*\]\.\w+ \+"),
    "event trigger": uses(r"FileSensor\(|BaseSensor"),
    "cron schedule": uses(r"CronSchedule|FixedRate"),
    "launch plan with fixed inputs": uses(r"LaunchPlan\.(create|get_or_create)|LaunchPlan\("),
    "notification (mail/slack)": uses(r"notifications=|\b(Email|Slack|PagerDuty)\("),
    "checkpoint within a task": uses(r"current_context\(\)\.checkpoint|\.checkpoint\.(read|write|save|restore)"),
    "memo key of one's own": uses(r"HashMethod"),
    # values
    "dataclass/typed structures": uses(r"@dataclass", r"BaseModel\b", r"Enum\):", r"NamedTuple"),
    # artifacts
    "object-store artifacts (s3/gcs/azure/oss/hdfs/artifactory/hf)": uses(r"[\"'](s3|gs|abfs|hf)://"),
    "http(s) artifact input": uses(r"(FlyteFile|FlyteDirectory|CSVFile|StructuredDataset)[^\n]*[\"']?https?://",
                                   r"=\s*[\"']https?://[^\"']*\.(csv|txt|gz|zip|png|jpg|parquet|tar|db|sqlite)"),
    "deck/visualisation": uses(r"\bDeck\(|enable_deck=True|disable_deck=False|\w+Renderer\("),
    # pods
    "image built of packages and files": lambda e: any(s <= SAID_BY_CODE for s in e.image_specs),
    "image built of more (apt, CUDA, commands)": lambda e: any(not s <= SAID_BY_CODE for s in e.image_specs),
    "pod spec patch/pod template": uses(r"task_config=Pod\(|pod_template=|PodTemplate\("),
    "sidecar": uses(r"V1Container\([\s\S]*V1Container\(", r"\b(NIM|Ollama)\("),
    "debug breakpoint": uses(r"@vscode|@jupyter"),
    # beside pods
    "compute engine step (Spark/Ray/Dask/MPI/...)": uses(ENGINES),
    "SQL/warehouse/agent connector": uses(CONNECTORS),
}


def features(e):
    return {name for name, needed in DETECTORS.items() if needed(e)}
