// The pod of a model's server: what fetches the model, the server, and a transformer in front of
// it. Pure.
//
//   fetch (init)   writes the model where the server finds it, verified; none where the server's
//                  image is the version
//   serve          Penstock's own server, or server.container
//   transformer    gets the traffic, where there is one
//
// The model is at /model/content of the server, or where server.container.modelPath says:
//   fetched by the pod              an emptyDir
//   fetched into spec.cache.claim   <claim>/penstock-models/<hex>/content, read-only
//   of a pvc:// URI                 the claim's own path, read-only; fetch only verifies it
#pragma once

#include "operator/plan/model/world.h"

namespace penstock::plan {

// The pod's spec. `md` must be valid, and `model.source`, where there is one, a URI that
// ParseModelSource takes or a SourceOfImage, whose image then runs in the place of the spec's.
[[nodiscard]] Json BuildModelPod(const api::ModelDeployment& md, std::int64_t version,
                                 const ModelRef& model, const ModelSettings& settings);

}  // namespace penstock::plan
