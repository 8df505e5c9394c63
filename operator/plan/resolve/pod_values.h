// References in what a pod is made with: a container step's image, resources, labels, annotations,
// time-outs, values of nodeSelector, tolerations, affinity, the service account, and the names of
// Secrets, ConfigMaps and claims in env, envFrom, imagePullSecrets and volumes. $(parameters.x) is
// put in when the run starts, the rest when the step does. Who chooses a Secret or a service
// account by a parameter is who starts the run; folders of nodes, priority and sandbox take no
// references. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {

// --- pod_places.cc: where they may stand. Only values that hold "$(" are looked at.

struct PodPlace {
  Json value;
  std::string path;  // below the step or the defaults: ".container.image"
};
[[nodiscard]] std::vector<PodPlace> PlacesOf(const api::StepSpec& step);
[[nodiscard]] std::vector<PodPlace> PlacesOf(const api::StepDefaults& defaults);
[[nodiscard]] std::vector<PodPlace> PlacesOf(const ResolvedStep& step);

// What takes a place's value. Null, which an optional parameter that is not given is: the entry of
// env, envFrom, imagePullSecrets, tolerations, nodeSelector, labels or annotations, the affinity,
// the service account or the time-out is left out, and a volume of a Secret, ConfigMap or claim is
// empty.
using AtPlace = std::function<Result<Json>(const Json& value, const std::string& path)>;
// The first error, which names the place.
[[nodiscard]] Result<void> PutPlaces(api::StepSpec& step, const AtPlace& put);
[[nodiscard]] Result<void> PutPlaces(api::StepDefaults& defaults, const AtPlace& put);
[[nodiscard]] Result<void> PutPlaces(ResolvedStep& step, const AtPlace& put);
// Of volumes alone, at `path`.
[[nodiscard]] Result<void> PutVolumePlaces(std::vector<Json>& volumes, const std::string& path,
                                           const AtPlace& put);

// True where a text of the value holds "$(".
[[nodiscard]] bool HasTemplate(const Json& value);

// --- pod_values.cc

// At "spec.steps[i]": references that cannot stand where they stand, and those that name nothing.
void CheckPodReferences(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// The pipeline's defaults may name its parameters only.
void CheckDefaultReferences(const CheckContext& c);

// False: what a step's pod is made with is as it is written.
[[nodiscard]] bool HoldsTemplates(const api::StepSpec& step, const api::StepDefaults& defaults);

// Puts in what `known` takes, and leaves the rest for later: ExpandKnown. NotFound and Invalid name
// the reference.
[[nodiscard]] Result<api::StepSpec> PutKnownPodValues(
    api::StepSpec step, const Lookup& lookup, const std::function<bool(const Reference&)>& known);
[[nodiscard]] Result<api::StepDefaults> PutKnownPodValues(
    api::StepDefaults defaults, const Lookup& lookup,
    const std::function<bool(const Reference&)>& known);

// What is wrong with a label's value, which no cluster would take; "": nothing.
[[nodiscard]] std::string WhyNoLabelValue(const std::string& value);

// What is left for later, with its place within the step; and whether anything is.
[[nodiscard]] std::vector<FoundReference> PodReferences(const ResolvedStep& step);
[[nodiscard]] bool HasPodReferences(const ResolvedStep& step);

// Puts in all of it, after which no text of the pod is a template. Invalid where what comes of it
// is no image, quantity, time, label value or name, with its field.
[[nodiscard]] Result<ResolvedStep> PutPodValues(ResolvedStep step, const Lookup& lookup);

}  // namespace penstock::plan
