// The flags of every command.
#include <CLI/CLI.hpp>
#include <ostream>

#include "operator/base/shown_text.h"
#include "operator/base/version.h"
#include "operator/cli/commands.h"
#include "operator/cli/completion.h"
#include "operator/cli/model/model_digest.h"
#include "operator/cli/model/registry_commands.h"
#include "operator/cli/model/suggest_command.h"
#include "operator/cli/store/bundle_command.h"
#include "operator/cli/store/store_command.h"
#include "operator/cli/ui/lineage_command.h"
#include "operator/cli/ui/ui_command.h"

namespace penstock::cli {
namespace {

constexpr const char* kWhere =
    "Where a command acts: get, logs, describe, explain-cache, diff, lineage, rerun, cancel, "
    "debug, "
    "artifact, store, look and ui act on this machine when --state "
    "is given, or when the state folder (.penstock, or PENSTOCK_HOME) exists and none of "
    "--cluster, --context, --kubeconfig and --namespace is given; else on the cluster of the "
    "kubeconfig. run acts on this machine unless one of these is given; serve and predict are "
    "local; apply needs a cluster.\n"
    "Exit codes:\n"
    "  0  success; of `run --if-changed` also that nothing has changed and nothing was started\n"
    "  1  failure: a run or step failed, something is not there, a call was refused\n"
    "  2  wrong usage\n"
    "  3  a manifest is not valid";

class Parser {
 public:
  explicit Parser(Session& session) : session_(session), app_("ML pipelines", session.name) {
    app_.require_subcommand(1);
    app_.footer(kWhere);
    app_.set_version_flag("--version", PenstockVersion());
    AddGlobalFlags(app_);
    AddLocal();
    AddObjects();
    AddArtifacts();
    AddStore();
    AddModels();
    AddOthers();
  }

  int Run(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i)
      if (!IsUtf8(argv[i]))
        return session_.Fail(kUsage,
                             "the argument '" + plan::Shown(argv[i], 200) + "' is not UTF-8 text");
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (const std::string why = UnknownCommand(app_, {argv + 1, argv + argc}); !why.empty())
        return session_.Fail(kUsage, why);
      return app_.exit(error, session_.out, session_.err) == 0 ? kOk : kUsage;
    }
    return code_;
  }

  int Complete(const std::vector<std::string>& words) {
    return CompleteLastWord(app_, words, session_);
  }

 private:
  // On the program and on each command, so that they may stand on either side of its name.
  void AddGlobalFlags(CLI::App& app) {
    GlobalFlags& flags = session_.flags;
    app.add_option("--kubeconfig", flags.kubeconfig, "kubeconfig file");
    app.add_option("--context", flags.context, "context of the kubeconfig");
    app.add_option("-n,--namespace", flags.namespace_, "namespace of the cluster");
    app.add_flag("--cluster", flags.cluster, "act on the cluster although local state is here");
    app.add_option("--state", flags.state, "folder of local runs; default .penstock");
  }

  CLI::App* Command(CLI::App& parent, const char* name, const char* about,
                    std::function<int()> body) {
    CLI::App* command = parent.add_subcommand(name, about);
    AddGlobalFlags(*command);
    command->callback([this, body] { code_ = body(); });
    return command;
  }

  void AddLocal() {
    CLI::App* run =
        Command(app_, "run", "Run a pipeline on this machine, or one of a cluster there",
                [this] { return RunPipeline(run_, session_); });
    run->add_option("file", run_.files,
                    "manifests: files, folders or -; on a cluster (--cluster, -n, --context, "
                    "--kubeconfig) the Pipeline's name")
        ->required();
    run->add_flag("--if-changed", run_.if_changed,
                  "start only what would be another run than the last that succeeded: its steps, "
                  "parameters, code, or what its sources hold; code 0 either way");
    run->add_option("-p,--parameter", run_.parameters, "name=value, by the declared type")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    run->add_option("-i,--input", run_.inputs,
                    "name=digest or URI of an artifact, for the Pipeline's inputs")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    run->add_option("--pipeline", run_.pipeline, "which, where the files hold several");
    run->add_option("--approve", run_.approve,
                    "STEP or STEP=name=value: approves this step, with a value that it asks for; "
                    "else the terminal is asked")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    run->add_flag("--watch,-w", run_.watch, "run again when a file changes");
    run->add_flag("--no-cache", run_.no_cache, "run every step");
    run->add_option("--sample", run_.sample, "part of the data, as 1%");
    run->add_option("--isolation", run_.isolation, "of steps with an image of their own")
        ->check(CLI::IsMember({"auto", "podman", "process"}))
        ->default_str("auto");
    run->add_option("-o,--output", run_.output, "wide, json, yaml or name");

    CLI::App* serve = Command(app_, "serve", "Serve a model on this machine",
                              [this] { return Serve(serve_, session_); });
    serve->add_option("model", serve_.model, "folder, sha256:..., RUN/STEP/OUTPUT or PIPELINE")
        ->required();
    serve->add_option("--name", serve_.name, "the model's name in URLs");
    serve->add_option("--address", serve_.address, "IP address to listen on")
        ->default_str("127.0.0.1");
    serve->add_option("--port", serve_.port, "port")
        ->check(CLI::Range(1, 65535))
        ->default_str("8080");
    serve->add_option("server-flags", serve_.more, "after --: handed on to penstock-serve");

    CLI::App* predict = Command(app_, "predict", "Ask a served model",
                                [this] { return Predict(predict_, session_); });
    predict->add_option("-i,--input", predict_.input, "JSON, a file of it, or -")->required();
    predict->add_option("--url", predict_.url, "server; default: what `serve` started last");
    predict->add_option("--model", predict_.model, "the model's name there");
    predict->add_option("-o,--output", predict_.output, "json");

    CLI::App* validate = Command(app_, "validate", "Check manifests, every error at once",
                                 [this] { return Validate(validate_, session_); });
    validate->add_option("file", validate_.files, "files, folders or -")->required();
  }

  void AddObjects() {
    CLI::App* get = Command(app_, "get", "Show pipelines, runs, components, models, approvals",
                            [this] { return Get(get_, session_); });
    get->add_option("kind", get_.kind, "pipelines, runs, components, models, approvals or all")
        ->required();
    get->add_option("name", get_.names, "only these");
    get->add_option("-l,--selector", get_.selector, "label selector");
    get->add_option("-o,--output", get_.output, "json, yaml, name or wide");
    get->add_flag("-A,--all-namespaces", get_.all_namespaces, "of the cluster");
    get->add_flag("-w,--watch", get_.watch, "go on with changes");
    get->add_flag("--no-headers", get_.no_headers, "rows only");

    CLI::App* logs =
        Command(app_, "logs", "Show the logs of a run", [this] { return Logs(logs_, session_); });
    logs->add_option("run", logs_.run, "run, or pipeline for its newest run")->required();
    logs->add_option("step", logs_.step, "one step, or an item of a loop: each.3; default all");
    logs->add_flag("-f,--follow", logs_.follow, "until the step ends");
    logs->add_flag("--previous", logs_.previous, "of the container before");
    logs->add_option("--tail", logs_.tail, "last lines")->check(CLI::NonNegativeNumber);
    AddGatewayFlags(*logs, logs_.gateway, logs_.token_file, logs_.ca_file);

    AddHistory();

    CLI::App* cancel =
        Command(app_, "cancel", "Cancel a run", [this] { return Cancel(cancel_, session_); });
    cancel->add_option("run", cancel_.run, "run, or pipeline for its newest run")->required();
    cancel->add_flag("--now", cancel_.now, "do not wait for anything");

    CLI::App* rerun = Command(app_, "rerun", "Do a run again: what failed, or from a step on",
                              [this] { return Rerun(rerun_, session_); });
    AddRerunFlags(*rerun, rerun_);
    AddGatewayFlags(*rerun, rerun_.gateway, rerun_.token_file, rerun_.ca_file);

    AddApprove();
    AddRollout();
    AddBackfill();

    CLI::App* debug =
        Command(app_, "debug", "Look into a step: its pod's twin, or its inputs here", [this] {
          if (!debug_.shell && !debug_.local) {
            return session_.Fail(kUsage, "give --shell or --local, or both");
          }
          return Debug(debug_, session_);
        });
    debug->add_option("run", debug_.run, "run, or pipeline for its newest run")->required();
    debug->add_option("step", debug_.step, "the step, or an item of a loop: each.3")->required();
    debug->add_flag("--shell", debug_.shell, "open a shell");
    debug->add_flag("--local", debug_.local, "with the step's inputs, in a folder here");
    debug->add_option("--folder", debug_.folder, "of --local; default <state>/debug/<pod>");
    debug->add_option("--gateway", debug_.gateway, "URL of the operator's gateway");
  }

  void AddApprove() {
    CLI::App* approve = Command(app_, "approve", "Decide an approval step of a run on a cluster",
                                [this] { return Approve(approve_, session_); });
    approve->add_option("run", approve_.run, "run, or pipeline for its newest run")->required();
    approve->add_option("step", approve_.step, "the step that waits")->required();
    approve->add_flag("--reject", approve_.reject, "reject it, which fails the step");
    approve->add_option("--value", approve_.values, "name=value that the step asks for")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    approve->add_option("--comment", approve_.comment, "why, for people");
  }

  void AddRollout() {
    CLI::App* rollout = app_.add_subcommand("rollout", "Show and steer how a new model takes over");
    rollout->require_subcommand(1);
    const auto add = [&](const char* what, const char* says) {
      CLI::App* command = Command(*rollout, what, says, [this, what] {
        rollout_.what = what;
        return Rollout(rollout_, session_);
      });
      command->add_option("modeldeployment", rollout_.name, "its name")->required();
      return command;
    };
    add("status", "Show versions, weights, gates and history")
        ->add_option("-o,--output", rollout_.output, "json");
    CLI::App* report =
        Command(*rollout, "report", "Show what a version was rejected or rolled back for",
                [this] { return RolloutReport(rollout_, artifact_, session_); });
    report->add_option("modeldeployment", rollout_.name, "its name")->required();
    report->add_option("--version", rollout_.version, "of which version; default: the newest")
        ->check(CLI::PositiveNumber);
    report->add_option("-o,--output", rollout_.output, "json or html");
    AddGatewayFlags(*report, artifact_.gateway, artifact_.token_file, artifact_.ca_file);
    add("promote", "Give the new version all traffic, whatever steps and gates are left");
    add("pause", "Hold the new version where it is");
    add("resume", "Go on: past a pause, or past a step that is not decided");
    add("abort", "Roll the new version back");
    for (const auto& [what, says] :
         {std::pair{"approve", "Approve the step at which the new version waits for people"},
          std::pair{"reject", "Reject it, which rolls back"}}) {
      CLI::App* command = Command(*rollout, what, says, [this, what = what] {
        rollout_.what = what;
        return DecideRollout(rollout_, session_);
      });
      command->add_option("modeldeployment", rollout_.name, "its name")->required();
      command->add_option("--comment", rollout_.comment, "why, for people");
    }
    add("undo", "Go back to a version that served before")
        ->add_option("--to", rollout_.to, "which one; default: the one before")
        ->check(CLI::PositiveNumber);
  }

  void AddBackfill() {
    CLI::App* backfill =
        Command(app_, "backfill", "Run a cluster's Pipeline for times that have passed",
                [this] { return RunBackfill(backfill_, session_); });
    AddBackfillFlags(*backfill, backfill_);
  }

  void AddHistory() {
    CLI::App* describe =
        Command(app_, "describe", "Show one run whole: results, lineage, why each step ran",
                [this] { return DescribeRun(describe_, session_); });
    describe->add_option("run", describe_.run, "run, or pipeline for its newest run")->required();
    describe->add_option("-o,--output", describe_.output, "json or yaml");

    CLI::App* explain = Command(app_, "explain-cache",
                                "Show what a step's cache key is made of, and why it hit or missed",
                                [this] { return ExplainStepCache(explain_, session_); });
    explain->add_option("run", explain_.run, "run, or pipeline for its newest run")->required();
    explain->add_option("step", explain_.step, "the step")->required();
    explain->add_option("--runs", explain_.runs, "how many runs before it is compared with")
        ->check(CLI::Range(0, 20))
        ->default_str("1");
    explain->add_option("-o,--output", explain_.output, "json or yaml");

    CLI::App* lineage =
        Command(app_, "lineage", "Show what an artifact or a model was made of, to the files",
                [this] { return Lineage(lineage_, session_); });
    lineage
        ->add_option(
            "what", lineage_.what,
            "sha256:..., RUN/STEP/OUTPUT, PIPELINE/OUTPUT or PIPELINE; on a cluster also a "
            "ModelDeployment, a Model, NAME:NUMBER, NAME:ALIAS, or the id of a logged request")
        ->required();
    lineage->add_option("--direction", lineage_.direction, "up to what it was made of, or down")
        ->check(CLI::IsMember({"up", "down", "both"}))
        ->default_str("up");
    lineage->add_option("--depth", lineage_.depth, "steps, one behind the other")
        ->check(CLI::Range(1, 1000))
        ->default_str("50");
    lineage->add_option("-o,--output", lineage_.output, "json or dot");
    AddGatewayFlags(*lineage, lineage_.gateway, lineage_.token_file, lineage_.ca_file);

    CLI::App* diff = Command(app_, "diff", "Compare two runs: parameters, code, data, metrics",
                             [this] { return DiffTwoRuns(diff_, session_); });
    diff->add_option("before", diff_.before, "run, or pipeline for its newest run")->required();
    diff->add_option("after", diff_.after, "run, or pipeline for its newest run")->required();
    diff->add_option("-o,--output", diff_.output, "json or yaml");
  }

  void AddGatewayFlags(CLI::App& app, std::string& url, std::string& token, std::string& ca) {
    app.add_option("--gateway", url, "URL of the operator's gateway; default PENSTOCK_GATEWAY");
    app.add_option("--token-file", token, "its bearer token; default: one is asked for");
    app.add_option("--ca-file", ca, "its authority; default PENSTOCK_GATEWAY_CA");
  }

  void AddArtifacts() {
    CLI::App* artifact = app_.add_subcommand("artifact", "Put, get and list artifacts");
    artifact->require_subcommand(1);
    CLI::App* put = Command(*artifact, "put", "Store a file or folder, print its digest",
                            [this] { return PutArtifact(artifact_, session_); });
    put->add_option("source", artifact_.source, "file or folder")->required();
    CLI::App* get = Command(*artifact, "get", "Write a copy of an artifact",
                            [this] { return GetArtifact(artifact_, session_); });
    get->add_option("artifact", artifact_.source,
                    "sha256:..., RUN/STEP/OUTPUT, PIPELINE/OUTPUT or PIPELINE")
        ->required();
    get->add_option("to", artifact_.to, "a path that does not exist")->required();
    CLI::App* list = Command(*artifact, "ls", "List the outputs of runs",
                             [this] { return ListArtifacts(artifact_, session_); });
    list->add_option("run", artifact_.source, "only of this run");
    CLI::App* predictions =
        Command(*artifact, "predictions", "Copy a ModelDeployment's prediction log into a folder",
                [this] { return GetPredictions(artifact_, session_); });
    predictions->add_option("modeldeployment", artifact_.source, "its name")->required();
    predictions->add_option("to", artifact_.to, "a folder; files that it has are not fetched again")
        ->required();
    CLI::App* look = Command(app_, "look", "Show what is in a dataset",
                             [this] { return Look(look_, session_); });
    look->add_option("dataset", look_.dataset,
                     "file, folder, sha256:..., RUN/STEP/OUTPUT, PIPELINE/OUTPUT or PIPELINE")
        ->required();
    look->add_option("--columns", look_.columns, "only these, by commas")->delimiter(',');
    look->add_option("--rows", look_.rows, "of the dataset, at random")
        ->check(CLI::Range(0, 1000))
        ->default_str("10");
    look->add_option("--width", look_.width, "in characters; default: the terminal's")
        ->check(CLI::Range(20, 1000));
    AddGatewayFlags(*look, look_.gateway, look_.token_file, look_.ca_file);
    for (CLI::App* command : {put, get, list, predictions}) {
      AddGatewayFlags(*command, artifact_.gateway, artifact_.token_file, artifact_.ca_file);
      command->add_option("-o,--output", artifact_.output, "json, name or wide");
    }
  }

  void AddStore() {
    using retention::StoreJob;
    CLI::App* store =
        app_.add_subcommand("store", "Show what artifacts take, remove unused ones, verify all");
    store->require_subcommand(1);
    const auto add = [&](const char* name, const char* about, StoreJob job) {
      CLI::App* command =
          Command(*store, name, about, [this, job] { return StoreCommand(job, store_, session_); });
      AddGatewayFlags(*command, store_.gateway, store_.token_file, store_.ca_file);
      command->add_option("-o,--output", store_.output, "json");
      return command;
    };
    add("du", "Show the bytes of each namespace: in use, cached only, recent, orphaned",
        StoreJob::kUsage);
    CLI::App* gc =
        add("gc",
            "Remove artifacts that nothing refers to and nobody used for a day, and cache entries "
            "that nobody used for 30 days (on a cluster: as its operator is told)",
            StoreJob::kCollect);
    gc->add_flag("--dry-run", store_.dry_run, "say what would go");
    gc->add_flag("--take-over", store_.take_over,
                 "also where another cluster or state folder has collected, which is gone");
    CLI::App* out =
        Command(*store, "export", "Write artifacts, and all that they hold, into a tar archive",
                [this] { return ExportArtifacts(bundle_, session_); });
    out->add_option("what", bundle_.what,
                    "sha256:..., RUN (all that its steps gave), RUN/STEP/OUTPUT, PIPELINE/OUTPUT, "
                    "PIPELINE; on a cluster also NAME:ALIAS or NAME:NUMBER of a model")
        ->required();
    out->add_option("-o,--output", bundle_.file, "the archive; it must not exist")->required();
    CLI::App* in = Command(*store, "import", "Take the artifacts of such an archive into the store",
                           [this] { return ImportArtifacts(bundle_, session_); });
    in->add_option("file", bundle_.file, "the archive")->required();
    for (CLI::App* command : {out, in}) {
      AddGatewayFlags(*command, bundle_.gateway, bundle_.token_file, bundle_.ca_file);
      command->add_flag("--json", bundle_.json, "say what as JSON");
    }
    add("verify",
        "Read every artifact, name what is altered or missing (code 1), drop it from the cache",
        StoreJob::kVerify);
  }

  void AddModels() {
    CLI::App* model = app_.add_subcommand("model", "Name and register models");
    model->require_subcommand(1);
    CLI::App* digest = Command(*model, "digest", "Print a model's URI with the digest that pins it",
                               [this] { return ModelDigest(model_digest_, session_); });
    digest
        ->add_option("model", model_digest_.model,
                     "file, folder, or https://, oci://, s3://, gs://, az://, ...")
        ->required();
    digest->add_option("--registry-auth", model_digest_.registry_auth,
                       "dockerconfigjson; default ~/.docker/config.json");
    Command(*model, "list", "List registered models",
            [this] { return ListModels(registry_, session_); });
    CLI::App* show = Command(*model, "show", "Show a model's versions, or one of them",
                             [this] { return ShowModel(registry_, session_); });
    show->add_option("model", registry_.model, "NAME, NAME:ALIAS or NAME:NUMBER")->required();
    show->add_option("-o,--output", registry_.output, "json or yaml, of one version");
    CLI::App* diff = Command(*model, "diff", "Compare two versions of a model",
                             [this] { return DiffModels(registry_, session_); });
    diff->add_option("model", registry_.model, "NAME:ALIAS or NAME:NUMBER")->required();
    diff->add_option("other", registry_.other, "an alias or a number")->required();
    CLI::App* alias = Command(*model, "alias", "Point an alias at a version",
                              [this] { return SetAlias(registry_, session_); });
    alias->add_option("model", registry_.model, "its name")->required();
    alias->add_option("alias", registry_.alias, "such as champion")->required();
    alias->add_option("version", registry_.other, "a number, or another alias");
    alias->add_flag("--remove", registry_.remove, "take the alias away");
    CLI::App* push = Command(*model, "push", "Register the next version of a model",
                             [this] { return PushModel(registry_, session_); });
    push->add_option("model", registry_.model, "its name")->required();
    push->add_option("what", registry_.what, "PIPELINE/OUTPUT, sha256:... or a URI with its digest")
        ->required();
    push->add_option("--alias", registry_.alias, "points at it from then on");
    push->add_option("--description", registry_.description, "for people");
    CLI::App* suggest =
        Command(*model, "suggest", "Print a manifest's change to a version, for a pull request",
                [this] { return SuggestModel(suggest_, session_); });
    suggest->add_option("model", suggest_.model, "NAME:ALIAS or NAME:NUMBER")->required();
    suggest->add_option("--for", suggest_.file, "the manifest of a ModelDeployment")->required();
    suggest->add_option("--name", suggest_.name, "which one, where the file holds several");
    AddSigning(*model);
  }

  void AddSigning(CLI::App& model) {
    CLI::App* sign = Command(model, "sign", "Sign a model's files (OpenSSF Model Signing)",
                             [this] { return SignModel(sign_, session_); });
    CLI::App* verify = Command(model, "verify", "Hold a model's files against its signature",
                               [this] { return VerifyModel(sign_, session_); });
    for (CLI::App* command : {sign, verify}) {
      command
          ->add_option("model", sign_.model,
                       "folder, sha256:..., RUN/STEP/OUTPUT, PIPELINE/OUTPUT, PIPELINE, or "
                       "NAME:ALIAS or NAME:NUMBER of a registered model")
          ->required();
      command
          ->add_option("--key", sign_.key,
                       command == sign ? "the private key, PEM" : "the public key, PEM")
          ->required();
      command->add_option("--signature", sign_.signature,
                          "its file; default model.sig in the model");
      AddGatewayFlags(*command, sign_.gateway, sign_.token_file, sign_.ca_file);
    }
  }

  void AddOthers() {
    CLI::App* apply = Command(app_, "apply", "Apply manifests to the cluster, their code uploaded",
                              [this] { return Apply(apply_, session_); });
    apply->add_option("file,-f,--filename", apply_.files, "files, folders or -")->required();
    apply->add_flag("--dry-run", apply_.dry_run, "say what would be applied");
    AddGatewayFlags(*apply, apply_.gateway, apply_.token_file, apply_.ca_file);
    CLI::App* ui = Command(app_, "ui", "Show runs in a browser: of this machine, or of a cluster",
                           [this] { return ServeUi(ui_, session_); });
    ui->add_option("--port", ui_.port, "port of 127.0.0.1; 0: any that is free")
        ->check(CLI::Range(0, 65535))
        ->default_str("8090");
    CLI::App* version = Command(app_, "version", "Show versions",
                                [this] { return Version(version_output_, session_); });
    version->add_option("-o,--output", version_output_, "json");
    CLI::App* completion = Command(app_, "completion", "Print a shell's completion script",
                                   [this] { return Completion(shell_, session_); });
    completion->add_option("shell", shell_, "bash, zsh or fish")->required();
  }

  Session& session_;
  CLI::App app_;
  int code_ = kUsage;
  RunOptions run_;
  ServeOptions serve_;
  PredictOptions predict_;
  ValidateOptions validate_;
  GetOptions get_;
  LogsOptions logs_;
  DescribeOptions describe_;
  DiffOptions diff_;
  ExplainCacheOptions explain_;
  RerunOptions rerun_;
  LineageOptions lineage_;
  UiOptions ui_;
  CancelOptions cancel_;
  ApproveOptions approve_;
  RolloutOptions rollout_;
  BackfillOptions backfill_;
  DebugOptions debug_;
  ArtifactOptions artifact_;
  LookOptions look_;
  SignOptions sign_;
  SuggestOptions suggest_;
  StoreOptions store_;
  BundleOptions bundle_;
  ApplyOptions apply_;
  ModelDigestOptions model_digest_;
  RegistryOptions registry_;
  std::string version_output_, shell_;
};

}  // namespace

int CompleteWords(int argc, const char* const* argv, Session& session) {
  return Parser(session).Complete({argv + 1, argv + argc});
}

int CommandLine(int argc, const char* const* argv, Session& session) {
  return Parser(session).Run(argc, argv);
}

}  // namespace penstock::cli
