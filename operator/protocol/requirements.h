// The lock file of a step's Python packages (code.requirements), in pip's requirements format, as
// the operator checks it in a manifest and components/git in a repository. Pure values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace penstock {

inline constexpr std::size_t kMaxRequirementsBytes = 256 * 1024;

struct RequirementComplaint {
  int line = 1;      // counts from 1; of a line that goes on behind a backslash its first
  std::string what;  // what is wrong and what to write
};
// Everything in the text that is no lock: a requirement that is not `name==version`, one from
// elsewhere than an index, an option of pip that the environment says, hashes for some only. In the
// order of the lines; empty: nothing is wrong. No word of a URL is repeated, it may hold a
// password.
[[nodiscard]] std::vector<RequirementComplaint> CheckRequirements(const std::string& text);

// The complaints in one text: "line 3: ...; line 7: ...", the first ten of them.
[[nodiscard]] std::string Describe(const std::vector<RequirementComplaint>& complaints);

// What is wrong with the path of a lock file in the folder of code; nullopt: nothing.
[[nodiscard]] std::optional<std::string> CheckRequirementsPath(const std::string& path);

}  // namespace penstock
