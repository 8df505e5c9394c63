#include "operator/sources/git_code.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "operator/base/file.h"
#include "operator/os/child_process.h"
#include "operator/sources/scratch_folder.h"

namespace penstock::sources {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLookInterval{200};

std::uintmax_t BytesBelow(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (it->is_regular_file(gone) && !gone) bytes += it->file_size(gone);
  }
  return bytes;
}

// A URL goes to git as an argument and to whatever server it names.
std::string WhatIsWrong(const api::CodeSpec::Git& git, bool local_files) {
  const bool known = git.url.starts_with("https://") || git.url.starts_with("http://") ||
                     (local_files && git.url.starts_with("file://"));
  if (!known) return "code.git.url: takes https:// URLs, not '" + git.url + "'";
  if (std::any_of(git.url.begin(), git.url.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; })) {
    return "code.git.url: has a space or control character";
  }
  const std::size_t host = git.url.find("://") + 3;
  if (git.url.substr(host, git.url.find('/', host) - host).find('@') != std::string::npos) {
    return "code.git.url: holds a user name or a password; whoever may read the Pipeline reads "
           "it. Mirror the repository where it needs none, or use code.artifact";
  }
  const auto odd = [](char c) {
    return !(std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '.' || c == '_' ||
             c == '-' || c == '+');
  };
  if (git.revision.starts_with("-") || git.revision.find("..") != std::string::npos ||
      std::any_of(git.revision.begin(), git.revision.end(), odd)) {
    return "code.git.revision: '" + git.revision + "' is no commit, tag or branch";
  }
  const fs::path path(git.path);
  const bool leaves =
      path.is_absolute() || std::any_of(path.begin(), path.end(), [](const fs::path& part) {
        return part == ".." || part == ".git";
      });
  if (leaves) return "code.git.path: '" + git.path + "' is no folder of the repository";
  return "";
}

std::vector<std::string> Environment(const fs::path& home, bool local_files) {
  std::vector<std::string> out = {
      "HOME=" + home.string(),
      "LC_ALL=C",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=/dev/null",
      "GIT_LFS_SKIP_SMUDGE=1",
      std::string("GIT_ALLOW_PROTOCOL=https:http") + (local_files ? ":file" : "")};
  for (const char* name : {"PATH", "https_proxy", "http_proxy", "no_proxy", "HTTPS_PROXY",
                           "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

// The folder `path` of the tree, by folders alone: a link may lead to anything that the operator
// can read, whichever part of the path it is.
Result<fs::path> FolderOf(const fs::path& tree, const std::string& path) {
  fs::path folder = tree;
  for (const fs::path& part : fs::path(path).lexically_normal()) {
    if (part.empty() || part == ".") continue;
    folder /= part;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(folder, error);
    if (fs::is_symlink(status)) {
      return Invalid("code.git.path: '" + folder.lexically_relative(tree).string() +
                     "' is a symbolic link, which is not followed; name the folder itself");
    }
    if (!fs::is_directory(status)) {
      return Invalid("code.git.path: the repository has no folder '" + path + "'");
    }
  }
  return folder;
}

class Fetch {
 public:
  Fetch(const fs::path& scratch, const GitOptions& options)
      : tree_(scratch / "tree"),
        log_(scratch / "log"),
        options_(options),
        environment_(Environment(scratch, options.local_files)),
        end_(steady_clock::now() + options.limit) {}

  Result<void> Run(const api::CodeSpec::Git& git) {
    std::error_code error;
    fs::create_directories(tree_, error);
    if (error) return FromErrno("make " + tree_.string(), error.value());
    const std::string revision = git.revision.empty() ? "HEAD" : git.revision;
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"init", "-q", "."},
          {"fetch", "-q", "--depth", "1", "--no-tags", "--", git.url, revision},
          {"checkout", "-q", "--detach", "FETCH_HEAD"}}) {
      if (auto done = Git(words); !done) {
        return Wrap("code.git: " + git.url + " at " + revision, done.error());
      }
    }
    return {};
  }

  [[nodiscard]] const fs::path& tree() const { return tree_; }

 private:
  Result<void> Git(std::vector<std::string> words) {
    words.insert(words.begin(), "git");
    fs::remove(log_);
    auto child = ChildProcess::Start({words, environment_, tree_, log_});
    if (!child) return Wrap("code.git needs the program git beside the operator", child.error());
    std::optional<ChildExit> exit;
    while (!(exit = child->Wait(kLookInterval))) {
      if (options_.stop.stop_requested()) return Transient("the operator stops");
      if (steady_clock::now() >= end_) return Transient("git " + words[1] + " takes too long");
      if (BytesBelow(tree_) > options_.max_bytes) return TooLarge();
    }
    if (BytesBelow(tree_) > options_.max_bytes) return TooLarge();
    if (exit->ExitCode() == 0) return {};
    auto said = ReadFile(log_, 64 << 10);
    if (!said) return Invalid("git " + words[1] + " failed and said nothing");
    while (said->ends_with('\n')) said->pop_back();
    return Invalid(std::move(*said));
  }

  [[nodiscard]] Error TooLarge() const {
    return Invalid("is over " + std::to_string(options_.max_bytes >> 20) +
                   " MiB; keep the step's code apart from data");
  }

  fs::path tree_, log_;
  const GitOptions& options_;
  std::vector<std::string> environment_;
  steady_clock::time_point end_;
};

}  // namespace

Result<ArtifactRef> StoreGitFolder(const artifacts::Store& store, const std::string& ns,
                                   const api::CodeSpec::Git& git, const GitOptions& options) {
  if (const std::string wrong = WhatIsWrong(git, options.local_files); !wrong.empty()) {
    return Invalid(wrong);
  }
  const ScratchFolder scratch(store.root() / ns / "tmp");
  if (scratch.path().empty()) {
    return Transient("making a folder in " + (store.root() / ns / "tmp").string());
  }
  Fetch fetch(scratch.path(), options);
  if (auto fetched = fetch.Run(git); !fetched) return fetched.error();
  std::error_code error;
  fs::remove_all(fetch.tree() / ".git", error);
  const auto folder = FolderOf(fetch.tree(), git.path);
  if (!folder) return folder.error();
  return store.Put(ns, *folder);
}

}  // namespace penstock::sources
