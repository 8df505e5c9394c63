// What a private repository asks for: from the environment, where the keys of `secretRef` stand, to
// files of this process's own that git and ssh read. Never in arguments or output. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/protocol/git_source.h"

namespace penstock::git {

struct Credentials {
  std::string secret{};  // the Secret's name; empty: none was named
  std::string username{}, password{}, token{};
  std::string ssh_key{}, known_hosts{};
  std::string authority{};  // ca.crt: who signs the server's certificate
};

// `variable` gives the value of an environment variable, or "". The names are those that the
// operator writes into the pod (operator/plan/resolve/code_fetch.cc).
[[nodiscard]] Credentials ReadCredentials(
    const std::function<std::string(const char* name)>& variable);

// What git is run with so that it uses them.
struct Login {
  std::vector<std::string> config;       // "name=value", for git -c
  std::vector<std::string> environment;  // "NAME=value"
};

// Writes what is needed to reach `url` into files below `folder`, for nobody else to read. Invalid
// says which key the Secret lacks.
[[nodiscard]] Result<Login> WriteLogin(const Credentials& credentials, const std::string& url,
                                       const std::filesystem::path& folder);

}  // namespace penstock::git
