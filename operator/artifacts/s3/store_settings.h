// Which stores artifacts stand in: what the platform says in one JSON file (the chart's value
// `stores`), made into what Store stands on.
//
//   {"default": {"bucket": "artifacts", ...},            absent: the volume
//    "namespaces": {"team-a": {"bucket": "team-a", ...}}}
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "operator/artifacts/objects.h"
#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::artifacts {

struct StoreSettings {
  std::string endpoint;  // empty: Amazon's of the region
  std::string bucket;
  std::string prefix;  // "" or ends with "/"
  std::string region = "us-east-1";
  bool path_style = true;
  std::filesystem::path ca_file;      // PEM; empty: the system's roots
  std::filesystem::path credentials;  // a mounted Secret (s3/credentials.h); empty: the environment
  std::string role;                   // by web identity, instead of both
  std::filesystem::path token_file;   // with `role`
  std::string sts;                    // with `role`; empty: Amazon's of the region
  bool signed_urls = true;
};

struct StoresSettings {
  std::optional<StoreSettings> shared;
  std::map<std::string, StoreSettings> namespaces;
};

// Invalid names the field, and what may stand there.
[[nodiscard]] Result<StoresSettings> ParseStores(const std::string& text, const std::string& what);

// The objects of all namespaces. `volume` holds those of namespaces that no bucket was named for.
// Nothing is asked of a store yet. `scratch` is a folder for files that are read. Invalid names the
// store and what is wrong; `clock` must outlive them.
[[nodiscard]] Result<std::shared_ptr<const Objects>> MakeObjects(
    const StoresSettings& settings, std::shared_ptr<const Objects> volume,
    const std::filesystem::path& scratch, const std::map<std::string, std::string>& environment,
    const Clock& clock);

}  // namespace penstock::artifacts
