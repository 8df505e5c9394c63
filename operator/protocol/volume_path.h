// Paths within a volume and keys of ConfigMaps and Secrets, by Kubernetes' rules. Pure.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// Why `path` cannot stand in a volume (items[].path, subPath), or "": it is absolute, or leads out
// by "..". What begins with ".." is the kubelet's own where files are laid out.
[[nodiscard]] std::string WhyNoPathInVolume(std::string_view path);

// Why `key` is no key of a ConfigMap or Secret, or "".
[[nodiscard]] std::string WhyNoConfigKey(std::string_view key);

}  // namespace penstock
