"""python3 -m penstock: what the SDK does at a command line."""
import argparse
import importlib.util
import json
import pathlib
import sys

from penstock.errors import PenstockError


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python3 -m penstock", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("import", help="another tool's pipeline as Penstock's YAML")
    one.add_argument("tool", choices=["kfp", "argo"], help="kfp: compiled IR; argo: Workflow, WorkflowTemplate or CronWorkflow")
    one.add_argument("file", type=pathlib.Path)
    one.add_argument("also", type=pathlib.Path, nargs="*", help="argo: files with the WorkflowTemplates that it refers to")
    one.add_argument("-o", "--output", type=pathlib.Path, help="the file to write, with code/ beside it; left out: all on standard output")
    for name, says in (("compile", "write a module's pipelines as YAML, with their code"),
                       ("lock", "lock the packages of a module's steps")):
        one = commands.add_parser(name, help=says)
        one.add_argument("file", type=pathlib.Path, help="a Python file with @pipeline functions")
        one.add_argument("--pipeline", help="only this one, by its name")
        if name == "compile":
            one.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."), help="the folder to write into")
        else:
            one.add_argument("--platform", action="append", help="wheels of these, such as manylinux2014_aarch64")
            one.add_argument("--upgrade", action="store_true", help="lock again what is locked")
    one = commands.add_parser("otel", help="send a finished run as OpenTelemetry spans")
    one.add_argument("run", help="its name")
    one.add_argument("--endpoint", help="a collector's OTLP over HTTP, such as http://collector:4318; or OTEL_EXPORTER_OTLP_ENDPOINT; -: print it")
    one.add_argument("--url", help="the gateway's URL, or PENSTOCK_URL (token: PENSTOCK_TOKEN); left out: .penstock here, or the kubeconfig's cluster")
    one.add_argument("--state", help="a state folder")
    one.add_argument("-n", "--namespace")
    options = parser.parse_args(arguments)
    try:
        return {"import": import_file, "compile": compile_file, "lock": lock_file, "otel": send_run}[options.command](options)
    except PenstockError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def import_file(options):
    from penstock.convert import imported
    if options.output is None or str(options.output) == "-":
        sys.stdout.write(imported(options.tool, options.file, also=options.also))
        return 0
    files = {}
    text = imported(options.tool, options.file, files, options.also)
    for name, source in {options.output.name: text, **files}.items():
        path = options.output.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return 0


def send_run(options):
    from penstock import connect, otel
    run = connect(options.url, namespace=options.namespace, state=options.state).run(options.run)
    if options.endpoint == "-":
        print(json.dumps(otel.request_of(run), indent=1))
    else:
        print(f"{otel.export(run, options.endpoint)} spans of {options.run}")
    return 0


def pipelines_of(options):
    """The pipelines of the file, which is imported as a module."""
    from penstock.pipelines import Pipeline
    if not options.file.is_file():
        raise FileNotFoundError(f"there is no file {options.file}")
    sys.path.insert(0, str(options.file.resolve().parent))
    spec = importlib.util.spec_from_file_location(options.file.stem, options.file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[options.file.stem] = module
    spec.loader.exec_module(module)
    found = {p.name: p for p in vars(module).values() if isinstance(p, Pipeline)}
    if options.pipeline is not None:
        found = {name: p for name, p in found.items() if name == options.pipeline}
    if not found:
        raise PenstockError(f"{options.file} has no pipeline{' ' + options.pipeline if options.pipeline else ''}: decorate one with @pipeline")
    return [p for _, p in sorted(found.items())]


def compile_file(options):
    for pipeline in pipelines_of(options):
        print(pipeline.write(options.output))
    return 0


def lock_file(options):
    for pipeline in pipelines_of(options):
        print(pipeline.lock(options.platform, options.upgrade))
    return 0


if __name__ == "__main__":
    sys.exit(main())
