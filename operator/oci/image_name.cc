#include "operator/oci/image_name.h"

#include <algorithm>

#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"

namespace penstock::oci {

using plan::Shown;

namespace {

bool IsHost(const std::string& first) {
  return first == "localhost" || first.find_first_of(".:") != std::string::npos;
}

// Lower-case letters, digits and the separators of repositories; nothing that could end a line of a
// request or climb out of a path.
bool IsRepository(const std::string& text) {
  return !text.empty() && text.find("..") == std::string::npos &&
         text.find("//") == std::string::npos && text.front() != '/' && text.back() != '/' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-' || c == '/';
         });
}

bool IsTag(const std::string& text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace

Result<ImageName> ParseImageName(const std::string& image) {
  ImageName name{kDockerHub, image, "latest"};
  const auto bad = [&] { return Invalid("'" + Shown(image) + "' is no name of an image"); };
  if (const auto at = name.repository.find('@'); at != std::string::npos) {
    name.reference = name.repository.substr(at + 1);
    if (!IsDigest(name.reference)) return bad();
    name.repository.resize(at);
  }
  const auto slash = name.repository.find('/');
  if (slash != std::string::npos && IsHost(name.repository.substr(0, slash))) {
    name.registry = name.repository.substr(0, slash);
    name.repository.erase(0, slash + 1);
  }
  if (const auto colon = name.repository.find(':'); colon != std::string::npos) {
    const std::string tag = name.repository.substr(colon + 1);
    if (!IsTag(tag)) return bad();
    if (!IsDigest(name.reference)) name.reference = tag;
    name.repository.resize(colon);
  }
  const bool hub = name.registry == "docker.io" || name.registry == "index.docker.io";
  if (hub) name.registry = kDockerHub;
  if (name.registry == kDockerHub && name.repository.find('/') == std::string::npos)
    name.repository = "library/" + name.repository;
  if (!IsRepository(name.repository)) return bad();
  return name;
}

}  // namespace penstock::oci
