// What runs in the pods of a ModelDeployment beside Penstock's own server: a server of one's own
// and a transformer in front of it. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"

namespace penstock::api {

inline constexpr int kServerPort = 8080;  // of Penstock's own server

// How a server is asked; Penstock's own speaks V2 and V1.
enum class ModelProtocol : std::uint8_t { kV2, kV1, kHttp };

// A container whose words may hold $(model.path), $(model.name), $(model.version), $(model.digest)
// and, of a transformer, $(server.url). Kubernetes' own $(NAME) is left to the kubelet.
struct ModelContainer {
  std::string image;
  std::string image_pull_policy;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<Json> env;       // core/v1 EnvVar
  std::vector<Json> env_from;  // core/v1 EnvFromSource
  int port = 0;                // where it answers HTTP
  Json resources;              // core/v1 ResourceRequirements
  std::vector<Json> volume_mounts;
  // All that may be said of its security; the rest is as Pod Security's "restricted" wants it.
  std::optional<std::int64_t> run_as_user;
  std::optional<std::int64_t> run_as_group;
  bool read_only_root = false;
};

struct OwnServer {
  ModelContainer container;
  std::string model_path;  // where the model appears in it; empty: /model/content
};

// One entry of a ConfigMap or a Secret of the namespace.
struct DataKey {
  std::string name;
  std::string key;
};

// A public key in PEM, from one of these places.
struct SigningKey {
  std::string pem;
  std::optional<DataKey> config_map;
  std::optional<DataKey> secret;
};

// What a model must be before it is served.
struct ModelVerification {
  std::optional<SigningKey> key;  // required: it must be signed by it (operator/signing)
};

// The container that fetches the model.
struct FetchSettings {
  std::vector<Json> env;  // such as SSL_CERT_FILE and HTTPS_PROXY
  std::vector<Json> volume_mounts;
  Json resources;  // null: as the server's
};

struct Transformer {
  ModelContainer container;
  std::string readiness;  // path of a GET; empty: its port takes connections
};

}  // namespace penstock::api
