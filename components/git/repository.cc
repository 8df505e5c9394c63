#include "components/git/repository.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/os/child_process.h"
#include "operator/os/fd.h"

namespace penstock::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBytesOfAnEntry = 640;  // of a listing, with its path
constexpr std::size_t kLastWords = 1024;

// No file that this process or its children write may become larger; the signal ends who tries.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) : disposition_(signal(SIGXFSZ, SIG_DFL)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = std::min<rlim_t>(before_.rlim_cur, bytes);
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, disposition_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*disposition_)(int);
};

// The variables of ours that git may have. Only a fetch is made as whoever runs this: what is
// written out must be the same on every machine.
std::vector<std::string> Environment(const fs::path& scratch, bool as_user) {
  std::vector<std::string> out = {"LC_ALL=C",
                                  "GIT_DIR=" + (scratch / ".git").string(),
                                  "GIT_TERMINAL_PROMPT=0",
                                  "GIT_ASKPASS=",
                                  "SSH_ASKPASS=false",
                                  "SSH_ASKPASS_REQUIRE=force",
                                  "GIT_CONFIG_NOSYSTEM=1",
                                  "GIT_ATTR_NOSYSTEM=1",
                                  "GIT_LFS_SKIP_SMUDGE=1",
                                  "GIT_LITERAL_PATHSPECS=1",
                                  "GIT_ALLOW_PROTOCOL=https:http:ssh:file"};
  if (!as_user) out.emplace_back("GIT_CONFIG_GLOBAL=/dev/null");
  for (const char* name : {"PATH", "LD_LIBRARY_PATH"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  if (!as_user) return out;
  for (const char* name :
       {"HOME", "USER", "LOGNAME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "https_proxy", "http_proxy",
        "no_proxy", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

// The end of what a program said, as one line.
std::string LastWords(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.size() > kLastWords) text = "..." + text.substr(text.size() - kLastWords);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

// May be meant as a commit: no server looks one up by its first digits.
bool IsShortCommit(const std::string& revision) {
  return revision.size() >= 7 && revision.size() < 40 &&
         revision.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// One entry of `ls-tree -z`: "MODE TYPE OBJECT[ SIZE]\tNAME".
struct Entry {
  std::string mode, object, name;
  std::uint64_t size = 0;  // 0 where none is said
};

Entry ParseEntry(const std::string& text) {
  Entry entry;
  const auto tab = text.find('\t');
  std::istringstream words(text.substr(0, tab));
  std::string type, size;
  words >> entry.mode >> type >> entry.object >> size;
  std::from_chars(size.data(), size.data() + size.size(), entry.size);
  if (tab != std::string::npos) entry.name = text.substr(tab + 1);
  return entry;
}

template <typename Each>
Result<void> EachEntry(const std::string& listing, Each each) {
  std::istringstream entries(listing);
  for (std::string text; std::getline(entries, text, '\0');) {
    PENSTOCK_TRY(each(ParseEntry(text)));
  }
  return {};
}

constexpr const char* kLinkMode = "120000";
constexpr const char* kFolderMode = "040000";
constexpr const char* kSubmoduleMode = "160000";

}  // namespace

Result<CommandEnd> Repository::Run(const Words& words) const {
  ChildOptions options;
  options.argv = {"git"};
  std::vector<std::string> config = {"core.symlinks=false",
                                     "core.autocrlf=false",
                                     "core.hooksPath=/dev/null",
                                     "gc.auto=0",
                                     "maintenance.auto=false",
                                     "fetch.unpackLimit=1",
                                     "advice.detachedHead=false",
                                     "core.bigFileThreshold=1m",
                                     "pack.threads=1"};
  config.insert(config.end(), words.login.config.begin(), words.login.config.end());
  for (std::string& one : config) {
    options.argv.emplace_back("-c");
    options.argv.push_back(std::move(one));
  }
  options.argv.insert(options.argv.end(), words.arguments.begin(), words.arguments.end());
  options.environment = words.login.environment;  // of two of a name the first counts
  for (std::string& variable : Environment(scratch_, words.as_user)) {
    options.environment.push_back(std::move(variable));
  }
  options.environment.push_back("GIT_WORK_TREE=" +
                                (words.directory.empty() ? scratch_ : words.directory).string());
  options.directory = words.directory.empty() ? scratch_ : words.directory;
  // A signal that ends this process ends git too: it is in our group, and dies with us.
  options.group = ChildGroup::kOurs;
  options.death_signal = SIGKILL;
  if (words.output >= 0) options.output = words.output;
  auto end = RunCommand(std::move(options), {.pass_output = words.output >= 0});
  if (!end) return Wrap("this needs the program git", end.error());
  return end;
}

Result<std::string> Repository::Ask(const Words& words) const {
  PENSTOCK_ASSIGN(CommandEnd end, Run(words));
  if (end.exit->ExitCode() == 0) return std::move(end.output);
  std::string said = LastWords(end.error.empty() ? end.output : end.error);
  if (said.empty()) {
    said = "git " + words.arguments[0] + " ended with " + std::to_string(end.exit->ExitCode()) +
           " and said nothing";
  }
  return Invalid(std::move(said));
}

Error Repository::TooLarge(const std::string& what) const {
  Error error = Invalid(what + " is over " + std::to_string(bounds_.bytes >> 20) +
                        " MiB; keep the step's code apart from data");
  error.kind = ErrorKind::kTooLarge;
  return error;
}

// Whoever met the limit of sizes was ended there, and left its file as it was.
bool Repository::MetTheBound() const {
  std::error_code error;
  for (fs::recursive_directory_iterator it(scratch_ / ".git" / "objects", error), end;
       !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (it->is_regular_file(gone) && !gone && it->file_size(gone) >= bounds_.bytes && !gone) {
      return true;
    }
  }
  return false;
}

Result<void> Repository::Fetch(const GitSource& source, const Credentials& credentials) {
  PENSTOCK_ASSIGN(Login login, WriteLogin(credentials, source.url, scratch_));
  std::vector<std::string> init = {"init", "-q", "--template=", "-b", "main"};
  if (source.revision.size() == 64 && IsCommitId(source.revision)) {
    init.emplace_back("--object-format=sha256");
  }
  if (auto made = Ask({init}); !made) return Wrap("git init", made.error());
  const std::string revision = source.revision.empty() ? "HEAD" : source.revision;
  const FileSizeLimit limit(bounds_.bytes);
  auto fetched = Ask({{"fetch", "-q", "--depth", "1", "--no-tags", "--no-recurse-submodules",
                       "--no-write-commit-graph", "--", source.url, revision},
                      {},
                      std::move(login),
                      true});
  if (fetched) return {};
  const std::string what = source.url + " at " + revision;
  if (MetTheBound()) return TooLarge(what);
  Error error =
      Wrap(what + (credentials.secret.empty() ? " (without secretRef)" : ""), fetched.error());
  if (IsShortCommit(revision)) error.message += "; a commit is named by all its 40 digits";
  return error;
}

Result<std::string> Repository::Commit() const {
  PENSTOCK_ASSIGN(std::string commit, Ask({{"rev-parse", "--verify", "FETCH_HEAD^{commit}"}}));
  while (commit.ends_with('\n')) commit.pop_back();
  return commit;
}

Result<std::string> Repository::TreeOf(const std::string& commit, const std::string& path) const {
  PENSTOCK_ASSIGN(std::string tree, Ask({{"rev-parse", "--verify", commit + "^{tree}"}}));
  while (tree.ends_with('\n')) tree.pop_back();
  fs::path so_far;
  for (const fs::path& part : fs::path(path).lexically_normal()) {
    if (part.empty() || part == ".") continue;
    so_far /= part;
    PENSTOCK_ASSIGN(const std::string listed,
                    Ask({{"ls-tree", "-z", "--full-tree", tree, "--", part.string()}}));
    const Entry entry = ParseEntry(listed.substr(0, listed.find('\0')));
    if (entry.mode == kLinkMode) {
      return Invalid("path: '" + so_far.string() +
                     "' is a symbolic link, which is not followed; name the folder itself");
    }
    if (entry.mode == kSubmoduleMode) {
      return Invalid("path: '" + so_far.string() +
                     "' is a submodule, and those are not fetched; name its own repository");
    }
    if (entry.mode != kFolderMode) {
      return Invalid("path: the repository has no folder '" + path + "'");
    }
    tree = entry.object;
  }
  return tree;
}

// A tree of trees can have more entries than anybody can read: its listing is ended where a folder
// of the bound's number of files would have ended.
Result<std::string> Repository::List(const std::string& tree, const std::string& what) const {
  const fs::path file = scratch_ / "listing";
  const Fd output(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (output.get() < 0) return FromErrno("writing " + file.string(), errno);
  const std::uint64_t most = (bounds_.files + 1) * kBytesOfAnEntry;
  const FileSizeLimit limit(most);
  Words words{{"ls-tree", "-r", "-l", "-z", "--full-tree", tree}};
  words.output = output.get();
  PENSTOCK_ASSIGN(const CommandEnd end, Run(words));
  if (end.exit->signal == SIGXFSZ) return TooManyFiles(what);
  if (end.exit->ExitCode() != 0) return Invalid(LastWords(end.error));
  return ReadFile(file, most);
}

Error Repository::TooManyFiles(const std::string& what) const {
  return Invalid(what + " has over " + std::to_string(bounds_.files) +
                 " files; keep the step's code apart from data");
}

Result<Folder> Repository::Find(const std::string& commit, const std::string& path) const {
  Folder folder;
  PENSTOCK_ASSIGN(folder.tree, TreeOf(commit, path));
  const std::string what = path.empty() ? "the repository" : "path: '" + path + "'";
  PENSTOCK_ASSIGN(const std::string listing, List(folder.tree, what));
  PENSTOCK_TRY(EachEntry(listing, [&](const Entry& entry) -> Result<void> {
    if (entry.mode == kLinkMode) {
      return Invalid("'" + (fs::path(path) / entry.name).lexically_normal().string() +
                     "' is a symbolic link, and a step's code holds files and folders only; name a "
                     "folder without links in path, or replace the link by what it leads to");
    }
    if (entry.mode == kSubmoduleMode) {
      folder.submodules.push_back(entry.name);
      return {};
    }
    folder.bytes += entry.size;
    ++folder.files;
    return {};
  }));
  if (folder.bytes > bounds_.bytes) return TooLarge(what);
  if (folder.files > bounds_.files) return TooManyFiles(what);
  if (folder.files == 0) return Invalid(what + " has no files");
  return folder;
}

Result<void> Repository::Write(const Folder& folder, const fs::path& to) const {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return FromErrno("making " + to.string(), error.value());
  if (auto read = Ask({{"read-tree", folder.tree}}); !read) return read.error();
  if (auto written = Ask({{"checkout-index", "-a", "-q"}, to}); !written) return written.error();
  return {};
}

}  // namespace penstock::git
