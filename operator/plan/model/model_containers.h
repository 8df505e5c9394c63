// The containers of a model's pod that serve: Penstock's own server or another, and a transformer
// in front of it. Pure.
#pragma once

#include "operator/plan/model/world.h"

namespace penstock::plan {

inline constexpr const char* kModelFolder = "/model/content";
inline constexpr const char* kStoreVolume = "penstock-store";
inline constexpr const char* kStoreFolder = "/penstock/store";
// Kubernetes' own terminationMessagePath, of each container.
inline constexpr const char* kTerminationLog = "/dev/termination-log";

struct ServedModel {
  const api::ModelDeployment& md;
  std::int64_t version = 0;
  const ModelRef& model;
  const ModelSettings& settings;
  std::string path;        // where the server finds it; empty: it is in the image
  Json mount;              // a core/v1 VolumeMount that makes it so; null: there is none
  std::string image = {};  // of server.container, of a version that is its image; empty: the spec's
};
[[nodiscard]] Json ServerContainer(const ServedModel& m);
// Of a spec that has one.
[[nodiscard]] Json TransformerContainer(const ServedModel& m);

// What a container needs to reach the store, and the file that says where it is.
void MountStore(const ModelSettings& settings, Json* container);
[[nodiscard]] std::string StoreFile();

// `text` with $(model.path) and its like filled in; what is none of them stays for the kubelet.
struct ModelWords {
  std::string path, name, version, digest;
  std::string server_url;  // empty: none is known
};
[[nodiscard]] std::string FillIn(std::string text, const ModelWords& words);

}  // namespace penstock::plan
