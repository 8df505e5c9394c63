// What an image or artifact in a registry is called. Pure.
#pragma once

#include <string>

#include "operator/base/result.h"

namespace penstock::oci {

// Where an image is, taken apart as container runtimes do: "python:3.12" is
// registry-1.docker.io/library/python, tag 3.12.
struct ImageName {
  std::string registry;    // host[:port]; plain HTTP on this machine (localhost, 127.0.0.1)
  std::string repository;  // library/python
  std::string reference;   // a tag (latest where none is said), or the digest, which wins
};
// Invalid for what is no reference.
[[nodiscard]] Result<ImageName> ParseImageName(const std::string& image);

// Docker Hub has a name in images and another as a server.
inline constexpr const char* kDockerHub = "registry-1.docker.io";

}  // namespace penstock::oci
