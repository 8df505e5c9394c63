// The repository that a step's code comes from (code.git), as the operator checks it in a manifest
// and the program that fetches it (components/git) once more before git sees it. Pure values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace penstock {

struct GitSource {
  std::string url;
  std::string revision;  // commit, tag or branch; empty: the repository's HEAD
  std::string path;      // a folder of the repository; empty: all
};

enum class GitTransport : std::uint8_t { kHttps, kHttp, kSsh, kFile };
// By the URL's scheme, or its form "user@host:path", which is ssh. nullopt: none that is spoken.
[[nodiscard]] std::optional<GitTransport> GitTransportOf(const std::string& url);
// The host with its port; empty for file://.
[[nodiscard]] std::string GitHostOf(const std::string& url);

struct GitComplaint {
  std::string field;  // url, revision or path
  std::string what;   // what is wrong and what to do
};
// What git must not be asked: another transport, a password in the URL, an option in the place of a
// revision, a way out of the repository. `has_secret`: credentials will go with it.
[[nodiscard]] std::optional<GitComplaint> CheckGitSource(const GitSource& source, bool has_secret);

// True for a whole commit id: what it names never changes.
[[nodiscard]] bool IsCommitId(const std::string& revision);

}  // namespace penstock
