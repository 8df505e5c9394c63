#include "operator/cli/model/registry_commands.h"

#include <algorithm>
#include <ostream>

#include "operator/api/registry/registered_model.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/cli/model/registry_client.h"
#include "operator/cli/model/version_difference.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/table.h"
#include "operator/kube/resources.h"
#include "operator/protocol/model_source.h"

namespace penstock::cli {
namespace {

std::string OrDash(const std::string& text) { return text.empty() ? "-" : OneLine(text); }

// "champion, next" of those that name the version; 0: all, with their numbers.
std::string AliasesOf(const api::RegisteredModelSpec& model, std::int64_t version) {
  std::string text;
  if (!model.aliases.is_object()) return "-";
  for (const auto& [alias, number] : model.aliases.items()) {
    if (version != 0 && number != version) continue;
    text += (text.empty() ? "" : ",") + alias + (version == 0 ? "=" + number.dump() : "");
  }
  return OrDash(text);
}

void PrintVersions(const std::string& model, const std::vector<ModelVersion>& versions,
                   const api::RegisteredModelSpec& spec, Session& session) {
  Table table{{"VERSION", "ALIASES", "RUN", "VERDICT", "DIGEST", "AGE"}, {}};
  for (const ModelVersion& v : versions)
    table.rows.push_back({std::to_string(v.spec.version), AliasesOf(spec, v.spec.version),
                          OrDash(v.spec.run), OrDash(v.spec.verdict), v.spec.digest.substr(0, 19),
                          v.meta.created ? HumanDuration(std::chrono::duration_cast<Milliseconds>(
                                               session.clock.Now() - *v.meta.created))
                                         : "-"});
  session.out << "model/" << model << (spec.description.empty() ? "" : ": ")
              << OneLine(spec.description) << "\n"
              << Format(table, static_cast<std::size_t>(session.width));
}

// What is to be registered, and what the run says of it.
Result<ModelVersion> Describe(const Registry& registry, const RegistryOptions& options) {
  ModelVersion v;
  v.spec.model = options.model;
  v.spec.description = options.description;
  const std::string& what = options.what;
  if (IsDigest(what)) {
    v.spec.digest = what;
    return v;
  }
  if (IsModelUri(what)) {
    PENSTOCK_ASSIGN(const auto source, ParseModelSource(what));
    v.spec.digest = source.digest;
    v.spec.source = what;
    return v;
  }
  const auto slash = what.find('/');
  if (slash == std::string::npos)
    return Invalid("'" + what +
                   "' is no sha256:<hex>, no URI with its digest and no PIPELINE/OUTPUT");
  const std::string pipeline = what.substr(0, slash), output = what.substr(slash + 1);
  PENSTOCK_ASSIGN(const Json object, registry.client().Get(kube::kPipelines, registry.ns(),
                                                           pipeline, registry.call()));
  for (const auto& published : api::DecodePipeline(object).value.status.outputs) {
    if (published.name != output) continue;
    v.spec.digest = published.digest;
    v.spec.folder = published.folder;
    v.spec.bytes = published.bytes;
    v.spec.run = published.run;
    return v;
  }
  return NotFound("the Pipeline " + pipeline + " has not published an output " + output);
}

// Parameters, datasets, metrics and verdict of the run; a run that is gone says nothing.
Result<void> AddStory(const Registry& registry, ModelVersion& v) {
  if (v.spec.run.empty()) return {};
  auto object =
      registry.client().Get(kube::kPipelineRuns, registry.ns(), v.spec.run, registry.call());
  if (!object && object.error().kind == ErrorKind::kNotFound) return {};
  if (!object) return object.error();
  api::DescribeByRun(api::DecodePipelineRun(*object).value, v.spec);
  return {};
}

std::pair<std::string, std::string> SplitName(const std::string& name) {
  const auto colon = name.find(':');
  return {name.substr(0, colon), colon == std::string::npos ? "" : name.substr(colon + 1)};
}

}  // namespace

int ListModels(const RegistryOptions&, Session& session) {
  const auto registry = Registry::Open(session);
  if (!registry) return session.Fail(registry.error());
  const auto models = registry->Models();
  if (!models) return session.Fail(models.error());
  const auto versions = registry->Versions("");
  if (!versions) return session.Fail(versions.error());
  std::map<std::string, api::RegisteredModelSpec> all;
  for (const auto& v : *versions) all[v.spec.model];
  for (const auto& m : *models) all[m.meta.name] = m.spec;
  Table table{{"NAME", "VERSIONS", "ALIASES", "DESCRIPTION"}, {}};
  for (const auto& [name, spec] : all) {
    const auto count = std::count_if(versions->begin(), versions->end(),
                                     [&, &n = name](const auto& v) { return v.spec.model == n; });
    table.rows.push_back(
        {name, std::to_string(count), AliasesOf(spec, 0), OrDash(spec.description)});
  }
  session.out << Format(table, static_cast<std::size_t>(session.width));
  return kOk;
}

int ShowModel(const RegistryOptions& options, Session& session) {
  const auto registry = Registry::Open(session);
  if (!registry) return session.Fail(registry.error());
  const auto [model, which] = SplitName(options.model);
  if (!which.empty()) {
    const auto version = registry->Find(model, which);
    if (!version) return session.Fail(version.error());
    const std::vector<Json> object{api::Encode(*version)};
    session.out << (options.output == "json" ? ToJsonText(object, true) : ToYamlText(object, true));
    return kOk;
  }
  const auto versions = registry->Versions(model);
  if (!versions) return session.Fail(versions.error());
  const auto object = registry->Model(model);
  if (!object) return session.Fail(object.error());
  if (versions->empty() && !*object)
    return session.Fail(NotFound("there is no model " + model + " in namespace " + registry->ns()));
  PrintVersions(
      model, *versions,
      *object ? api::DecodeRegisteredModel(**object).value.spec : api::RegisteredModelSpec{},
      session);
  return kOk;
}

int DiffModels(const RegistryOptions& options, Session& session) {
  const auto registry = Registry::Open(session);
  if (!registry) return session.Fail(registry.error());
  const auto [model, which] = SplitName(options.model);
  const auto before = registry->Find(model, which);
  if (!before) return session.Fail(before.error());
  const auto after = registry->Find(model, options.other);
  if (!after) return session.Fail(after.error());
  Table table{{"FIELD", before->meta.name, after->meta.name}, {}};
  for (auto& row : DifferencesOf(*before, *after))
    table.rows.push_back({row.field, row.before, row.after});
  session.out << Format(table, static_cast<std::size_t>(session.width));
  return kOk;
}

int SetAlias(const RegistryOptions& options, Session& session) {
  const auto registry = Registry::Open(session);
  if (!registry) return session.Fail(registry.error());
  std::optional<std::int64_t> number;
  if (!options.remove) {
    const auto version = registry->Find(options.model, options.other);
    if (!version) return session.Fail(version.error());
    number = version->spec.version;
  }
  if (auto set = registry->PointAlias(options.model, options.alias, number); !set)
    return session.Fail(set.error());
  session.out << "model/" << options.model << " " << options.alias
              << (number ? " is version " + std::to_string(*number) : " removed") << "\n";
  return kOk;
}

int PushModel(const RegistryOptions& options, Session& session) {
  const auto registry = Registry::Open(session);
  if (!registry) return session.Fail(registry.error());
  auto pushed = Describe(*registry, options);
  if (!pushed) return session.Fail(pushed.error());
  if (auto told = AddStory(*registry, *pushed); !told) return session.Fail(told.error());
  if (auto made = registry->Register(*pushed); !made) return session.Fail(made.error());
  session.out << "modelversion/" << pushed->meta.name << " registered\n";
  if (options.alias.empty()) return kOk;
  if (auto set = registry->PointAlias(options.model, options.alias, pushed->spec.version); !set)
    return session.Fail(set.error());
  session.out << "model/" << options.model << " " << options.alias << " is version "
              << pushed->spec.version << "\n";
  return kOk;
}

}  // namespace penstock::cli
