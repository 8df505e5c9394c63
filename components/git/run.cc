#include "components/git/run.h"

#include <stdlib.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::git {
namespace {

namespace fs = std::filesystem;

// A folder that is removed with the object: credentials lie in it.
class ScratchFolder {
 public:
  ScratchFolder() = default;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  Result<void> Make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "penstock-git-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return FromErrno("making " + name, errno);
    path_ = name;
    return {};
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Result<GitSource> ReadSource(const sdk::Step& step, bool has_secret) {
  sdk::Parameters p(step.parameters());
  GitSource source{p.RequiredString("url"), p.String("revision", ""), p.String("path", "")};
  PENSTOCK_TRY(p.Finish());
  if (auto wrong = CheckGitSource(source, has_secret)) {
    return Invalid(wrong->field + ": " + wrong->what);
  }
  return source;
}

}  // namespace

Result<void> RunGit(sdk::Step& step, const Credentials& credentials, const Bounds& bounds) {
  PENSTOCK_ASSIGN(const GitSource source, ReadSource(step, !credentials.secret.empty()));
  PENSTOCK_ASSIGN(const std::string output, step.OutputPath("folder"));
  ScratchFolder scratch;
  PENSTOCK_TRY(scratch.Make());
  Repository repository(scratch.path(), bounds);
  PENSTOCK_TRY(repository.Fetch(source, credentials));
  PENSTOCK_ASSIGN(const std::string commit, repository.Commit());
  PENSTOCK_ASSIGN(const Folder folder, repository.Find(commit, source.path));
  PENSTOCK_TRY(repository.Write(folder, fs::absolute(output)));
  for (const std::string& submodule : folder.submodules) {
    std::printf("note: the submodule '%s' is left out\n", submodule.c_str());
  }
  std::printf("%s: commit %s, %zu files, %llu bytes\n", source.url.c_str(), commit.c_str(),
              folder.files, static_cast<unsigned long long>(folder.bytes));
  return step.WriteResult("commit", commit);
}

}  // namespace penstock::git
