// Logins of registries, as a Secret of type kubernetes.io/dockerconfigjson holds them. Value types;
// no message shows a password.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "operator/base/result.h"

namespace penstock::oci {

struct Login {
  std::string user;
  std::string password;
  bool operator==(const Login&) const = default;
};

class Logins {
 public:
  // Adds those of one dockerconfigjson; Invalid for what is none, and for a login by identity
  // token, which is not spoken.
  [[nodiscard]] Result<void> Add(const std::string& docker_config);
  // Those of every file in a folder; a folder that is missing has none.
  [[nodiscard]] static Result<Logins> Read(const std::filesystem::path& folder);

  // The one that was said for most of "registry/repository", as a kubelet chooses: an entry may be
  // a registry or the beginning of a path in it.
  [[nodiscard]] std::optional<Login> For(const std::string& registry,
                                         const std::string& repository) const;

 private:
  std::map<std::string, Login> by_place_;  // "registry[/path]"
};

}  // namespace penstock::oci
