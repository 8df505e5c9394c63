#include "components/git/run.h"

#include <stdlib.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/protocol/requirements.h"

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

struct Wanted {
  GitSource source;
  std::string file;  // a lock in its folder; empty: none
};

Result<Wanted> ReadWanted(const sdk::Step& step, bool has_secret) {
  sdk::Parameters p(step.parameters());
  Wanted wanted{{p.RequiredString("url"), p.String("revision", ""), p.String("path", "")},
                p.String("file", "")};
  PENSTOCK_TRY(p.Finish());
  if (auto wrong = CheckGitSource(wanted.source, has_secret)) {
    return Invalid(wrong->field + ": " + wrong->what);
  }
  if (wanted.file.empty()) return wanted;
  if (auto wrong = CheckRequirementsPath(wanted.file)) return Invalid("file: " + *wrong);
  return wanted;
}

// The lock of the folder that was written, checked as the operator checks one that it can see.
Result<void> WriteLock(sdk::Step& step, const fs::path& folder, const std::string& file) {
  const std::string what = "code.requirements.file: '" + file + "'";
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(folder / file));
  if (!size) return Invalid(what + ": the repository's folder has no such file");
  auto text = ReadFile(folder / file, kMaxRequirementsBytes);
  if (!text) return Wrap(what, text.error());
  if (const auto wrong = CheckRequirements(*text); !wrong.empty()) {
    return Invalid(what + ": " + Describe(wrong));
  }
  PENSTOCK_ASSIGN(const std::string output, step.OutputPath("file"));
  return WriteFileAtomically(output, *text);
}

}  // namespace

Result<void> RunGit(sdk::Step& step, const Credentials& credentials, const Bounds& bounds) {
  PENSTOCK_ASSIGN(const Wanted wanted, ReadWanted(step, !credentials.secret.empty()));
  const GitSource& source = wanted.source;
  PENSTOCK_ASSIGN(const std::string output, step.OutputPath("folder"));
  ScratchFolder scratch;
  PENSTOCK_TRY(scratch.Make());
  Repository repository(scratch.path(), bounds);
  PENSTOCK_TRY(repository.Fetch(source, credentials));
  PENSTOCK_ASSIGN(const std::string commit, repository.Commit());
  PENSTOCK_ASSIGN(const Folder folder, repository.Find(commit, source.path));
  PENSTOCK_TRY(repository.Write(folder, fs::absolute(output)));
  if (!wanted.file.empty()) PENSTOCK_TRY(WriteLock(step, fs::absolute(output), wanted.file));
  for (const std::string& submodule : folder.submodules) {
    std::printf("note: the submodule '%s' is left out\n", submodule.c_str());
  }
  std::printf("%s: commit %s, %zu files, %llu bytes\n", source.url.c_str(), commit.c_str(),
              folder.files, static_cast<unsigned long long>(folder.bytes));
  return step.WriteResult("commit", commit);
}

}  // namespace penstock::git
