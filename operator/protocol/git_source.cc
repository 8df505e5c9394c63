#include "operator/protocol/git_source.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace penstock {
namespace {

constexpr const char* kNoPasswordInUrl =
    "has a user name or password in it, and whoever may read the Pipeline could read it; put it "
    "into a Secret and name that in secretRef";

bool IsOdd(char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; }

bool IsWordOf(const std::string& text, const char* others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string(others).find(c) != std::string::npos;
  });
}

// "user@host:path", as ssh has it.
bool IsShortSsh(const std::string& url) {
  const auto at = url.find('@');
  const auto colon = url.find(':');
  if (at == std::string::npos || colon == std::string::npos || at == 0 || colon < at + 2) {
    return false;
  }
  return IsWordOf(url.substr(0, at), "._-") && IsWordOf(url.substr(at + 1, colon - at - 1), ".-") &&
         colon + 1 < url.size() && url[colon + 1] != ':';
}

// Between "://" and the next '/'.
std::string AuthorityOf(const std::string& url) {
  const auto start = url.find("://");
  if (start == std::string::npos) return "";
  return url.substr(start + 3, url.find('/', start + 3) - start - 3);
}

std::string WhatIsWrongWithUrl(const std::string& url, bool has_secret) {
  if (std::any_of(url.begin(), url.end(), IsOdd)) return "has a space or control character";
  const auto transport = GitTransportOf(url);
  if (!transport) {
    return "takes https://, http:// and ssh:// URLs, user@host:path, and file:// in local runs; "
           "not '" +
           url + "'";
  }
  const std::string authority = AuthorityOf(url);
  const std::string user = authority.substr(0, authority.rfind('@') + 1);  // npos + 1 is 0
  if (*transport == GitTransport::kFile) return authority.empty() ? "" : "write file:///PATH";
  const bool ssh = *transport == GitTransport::kSsh;
  if (ssh ? user.find(':') != std::string::npos : !user.empty()) return kNoPasswordInUrl;
  const std::string host = GitHostOf(url);
  if (host.empty() || host.front() == '-') return "'" + url + "' names no host";
  if (*transport == GitTransport::kHttp && has_secret) {
    return "is http://, which would carry the Secret in the clear; write https:// or ssh://";
  }
  return "";
}

bool LeavesRepository(const std::string& path) {
  const std::filesystem::path parts(path);
  return parts.is_absolute() ||
         std::any_of(path.begin(), path.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }) ||
         std::any_of(parts.begin(), parts.end(), [](const std::filesystem::path& part) {
           return part == ".." || part == ".git";
         });
}

}  // namespace

std::optional<GitTransport> GitTransportOf(const std::string& url) {
  if (url.starts_with("https://")) return GitTransport::kHttps;
  if (url.starts_with("http://")) return GitTransport::kHttp;
  if (url.starts_with("ssh://")) return GitTransport::kSsh;
  if (url.starts_with("file://")) return GitTransport::kFile;
  if (IsShortSsh(url)) return GitTransport::kSsh;
  return std::nullopt;
}

std::string GitHostOf(const std::string& url) {
  if (url.find("://") == std::string::npos) {
    const auto at = url.find('@');
    return at == std::string::npos ? "" : url.substr(at + 1, url.find(':') - at - 1);
  }
  const std::string authority = AuthorityOf(url);
  return authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
}

std::optional<GitComplaint> CheckGitSource(const GitSource& source, bool has_secret) {
  if (std::string wrong = WhatIsWrongWithUrl(source.url, has_secret); !wrong.empty()) {
    return GitComplaint{"url", std::move(wrong)};
  }
  if (source.revision.starts_with("-") || source.revision.find("..") != std::string::npos ||
      !IsWordOf(source.revision, "/._-+")) {
    return GitComplaint{"revision", "'" + source.revision + "' is no commit, tag or branch"};
  }
  if (LeavesRepository(source.path)) {
    return GitComplaint{"path", "'" + source.path + "' is no folder of the repository"};
  }
  return std::nullopt;
}

bool IsCommitId(const std::string& revision) {
  return (revision.size() == 40 || revision.size() == 64) &&
         std::all_of(revision.begin(), revision.end(),
                     [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace penstock
