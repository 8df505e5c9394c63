// Paths within a volume and keys of ConfigMaps and Secrets, by Kubernetes' rules. Pure.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// Why `path` cannot stand in a volume (subPath), or "": it is absolute, or leads out by "..".
[[nodiscard]] std::string WhyNoPathInVolume(std::string_view path);

// The same of a file that is laid out there (items[].path): what begins with ".." is the kubelet's
// own.
[[nodiscard]] std::string WhyNoFileInVolume(std::string_view path);

// Why `key` is no key of a ConfigMap or Secret, or "".
[[nodiscard]] std::string WhyNoConfigKey(std::string_view key);

}  // namespace penstock
