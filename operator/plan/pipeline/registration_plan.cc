#include "operator/plan/pipeline/registration_plan.h"

#include <algorithm>
#include <utility>

namespace penstock::plan {
namespace {

class Registering {
 public:
  Registering(const PipelineObserved& o, const std::vector<api::PublishedOutput>& outputs)
      : o_(o), outputs_(outputs) {}

  Registrations Plan() {
    for (const api::RegisterSpec& spec : o_.pipeline.spec.registers) Look(spec);
    return std::move(out_);
  }

 private:
  void Look(const api::RegisterSpec& spec) {
    const auto& before = o_.pipeline.status.registered;
    const auto was = std::find_if(before.begin(), before.end(),
                                  [&](const auto& r) { return r.model == spec.model; });
    const auto published = std::find_if(outputs_.begin(), outputs_.end(), [&](const auto& output) {
      return output.name == spec.output;
    });
    const bool stays =
        published == outputs_.end() || (was != before.end() && was->digest == published->digest);
    const bool is_known = !stays && Find(spec, *published);
    if (!is_known && was != before.end()) out_.registered.push_back(*was);
  }

  // True where a version has this content; what is asked or done otherwise stands in `out_`.
  bool Find(const api::RegisterSpec& spec, const api::PublishedOutput& published) {
    const auto versions = o_.versions.find(spec.model);
    if (versions == o_.versions.end()) {
      out_.questions.push_back({spec.model, published.run});
      return false;
    }
    std::int64_t highest = 0;
    for (const api::RegisteredVersion& version : versions->second) {
      highest = std::max(highest, version.spec.version);
      // What a URI gives has its digest for something else: it is no artifact of the store.
      if (version.spec.digest != published.digest || !version.spec.source.empty()) continue;
      out_.registered.push_back(
          {spec.model, version.spec.version, published.digest, published.run});
      out_.events.push_back({"Normal", "Registered",
                             "the output " + spec.output + " of run " + published.run +
                                 " is version " + std::to_string(version.spec.version) +
                                 " of the model " + spec.model});
      return true;
    }
    out_.actions.push_back(Next(spec, published, highest + 1));
    return false;
  }

  [[nodiscard]] RegisterVersion Next(const api::RegisterSpec& spec,
                                     const api::PublishedOutput& published,
                                     std::int64_t number) const {
    RegisterVersion next;
    next.name = api::VersionObjectName(spec.model, number);
    next.version.meta.name = next.name;
    next.version.meta.namespace_ = o_.pipeline.meta.namespace_;
    auto& what = next.version.spec;
    if (const auto story = o_.stories.find(published.run); story != o_.stories.end())
      what = story->second;
    what.model = spec.model;
    what.version = number;
    what.digest = published.digest;
    what.folder = published.folder;
    what.bytes = published.bytes;
    what.run = published.run;
    return next;
  }

  const PipelineObserved& o_;
  const std::vector<api::PublishedOutput>& outputs_;
  Registrations out_;
};

}  // namespace

Registrations PlanRegistrations(const PipelineObserved& observed,
                                const std::vector<api::PublishedOutput>& outputs) {
  return Registering(observed, outputs).Plan();
}

}  // namespace penstock::plan
