#include "operator/cli/objects/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <tuple>
#include <utility>

#include "operator/artifacts/manifest.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

std::string Created(const Json& object) {
  return object.value("metadata", Json::object()).value("creationTimestamp", "");
}

std::vector<std::string> SplitSlashes(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const std::size_t slash = text.find('/', start);
    parts.push_back(text.substr(start, slash - start));
    if (slash == std::string::npos) return parts;
    start = slash + 1;
  }
}

Result<ArtifactRef> OutputOf(const Json& owner, const std::string& name, const std::string& what) {
  std::string names;
  for (const Json& output : owner.value("outputs", Json::array())) {
    const std::string one = output.value("name", "");
    if (one == name || (name.empty() && owner["outputs"].size() == 1)) {
      return ArtifactRef{output.value("digest", ""), output.value("folder", false),
                         output.value("bytes", std::uint64_t{0})};
    }
    names += (names.empty() ? "" : ", ") + one;
  }
  if (names.empty()) return NotFound(what + " has no outputs");
  return NotFound(what + (name.empty() ? " has more than one output" : " has no output " + name) +
                  "; it has " + names);
}

}  // namespace

State State::Of(const Session& session) {
  if (!session.flags.state.empty()) return State(session.directory / session.flags.state);
  if (const std::string home = session.Env("PENSTOCK_HOME"); !home.empty()) {
    return State(session.directory / home);
  }
  return State(session.directory / ".penstock");
}

std::optional<State> State::IfLocal(const Session& session) {
  State state = Of(session);
  if (!session.flags.state.empty()) return state;
  const GlobalFlags& flags = session.flags;
  const bool cluster = flags.cluster || !flags.context.empty() || !flags.kubeconfig.empty() ||
                       !flags.namespace_.empty();
  std::error_code ignored;
  if (cluster || !fs::is_directory(state.root(), ignored)) return std::nullopt;
  return state;
}

Result<void> State::Create() const {
  std::error_code error;
  fs::create_directories(root_, error);
  if (error) return FromErrno("state folder " + root_.string(), error.value());
  if (fs::exists(root_ / ".gitignore", error)) return {};
  return WriteFileAtomically(root_ / ".gitignore", "*\n");
}

fs::path State::ObjectFile(const kube::ResourceType& type, const std::string& name) const {
  return root_ / "objects" / std::string(type.plural) / (name + ".json");
}

Result<void> State::Save(const kube::ResourceType& type, const Json& object) const {
  return WriteFileAtomically(ObjectFile(type, object.at("metadata").value("name", "")),
                             object.dump(1));
}

Result<std::vector<Json>> State::Load(const kube::ResourceType& type) const {
  struct Entry {
    std::string created;
    fs::file_time_type written;  // creation times have whole seconds only
    Json object;
  };
  std::vector<Entry> entries;
  std::error_code error;
  const fs::path folder = ObjectFile(type, "x").parent_path();
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".json") continue;
    const Result<std::string> text = ReadFile(it->path());
    if (!text) return text.error();
    Result<Json> object = ParseJson(*text, it->path().string());
    if (!object) return object.error();
    std::error_code ignored;
    const fs::file_time_type written = fs::last_write_time(it->path(), ignored);
    std::string created = Created(*object);
    entries.push_back({std::move(created), written, *std::move(object)});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.created, a.written) < std::tie(b.created, b.written);
  });
  std::vector<Json> objects;
  for (Entry& entry : entries) objects.push_back(std::move(entry.object));
  return objects;
}

Result<Json> State::Get(const kube::ResourceType& type, const std::string& name) const {
  const Result<std::string> text = ReadFile(ObjectFile(type, name));
  if (!text && text.error().kind == ErrorKind::kNotFound) {
    return NotFound(std::string(type.kind) + " \"" + name + "\" is not in " + root_.string());
  }
  if (!text) return text.error();
  return ParseJson(*text, ObjectFile(type, name).string());
}

void State::Remove(const kube::ResourceType& type, const std::string& name) const {
  std::error_code ignored;
  fs::remove(ObjectFile(type, name), ignored);
}

Result<Json> State::FindRun(const std::string& name) const {
  Result<std::vector<Json>> runs = Load(kube::kPipelineRuns);
  if (!runs) return runs.error();
  for (const Json& run : *runs) {
    if (run["metadata"].value("name", "") == name) return run;
  }
  for (auto run = runs->rbegin(); run != runs->rend(); ++run) {
    const Json ref = run->value("spec", Json::object()).value("pipelineRef", Json::object());
    if (ref.value("name", "") == name) return *run;
  }
  return NotFound("there is no run or pipeline \"" + name + "\" in " + root_.string() +
                  "; `penstock get runs` lists them");
}

Result<ArtifactRef> State::ByDigest(const std::string& digest) const {
  const artifacts::Store blobs = store();
  const Result<fs::path> path = blobs.BlobPath(kLocalNamespace, digest);
  if (!path) return path.error();
  const Result<std::uint64_t> size = blobs.BlobSize(kLocalNamespace, digest);
  if (!size) return size.error();
  ArtifactRef artifact{digest, false, *size};
  // A manifest is canonical JSON that begins so; a file that looks like one but is none is a file.
  const Result<std::string> text = ReadFile(*path, artifacts::kMaxManifestBytes);
  if (!text || !text->starts_with("{\"files\":[")) return artifact;
  const Result<artifacts::Manifest> manifest = artifacts::ParseManifest(*text);
  if (manifest && artifacts::FormatManifest(*manifest) == *text) {
    artifact.folder = true;
    artifact.bytes = manifest->Bytes();
  }
  return artifact;
}

Result<ArtifactRef> State::FindArtifact(const std::string& name) const {
  if (name.starts_with("sha256:")) return ByDigest(name);
  const std::vector<std::string> parts = SplitSlashes(name);
  if (parts.size() > 3) {
    return Invalid("\"" + name +
                   "\" names no artifact; write sha256:<hex>, RUN/STEP/OUTPUT, "
                   "PIPELINE/OUTPUT or PIPELINE");
  }
  if (parts.size() == 3) {
    const Result<Json> run = FindRun(parts[0]);
    if (!run) return run.error();
    for (const Json& step : run->value("status", Json::object()).value("steps", Json::array())) {
      if (step.value("name", "") == parts[1]) {
        return OutputOf(step, parts[2], "step " + parts[1] + " of " + parts[0]);
      }
    }
    return NotFound("run " + parts[0] + " has no step " + parts[1]);
  }
  const std::string output = parts.size() == 2 ? parts[1] : "";
  const Result<Json> pipeline = Get(kube::kPipelines, parts[0]);
  if (pipeline) {
    return OutputOf(pipeline->value("status", Json::object()), output, "Pipeline " + parts[0]);
  }
  const Result<Json> run = FindRun(parts[0]);
  if (!run) return run.error();
  return OutputOf(run->value("status", Json::object()), output, "run " + parts[0]);
}

int State::RunningProcess() const {
  const int fd = open((root_ / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  int pid = 0;
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
    char text[32] = {};
    const ssize_t count = pread(fd, text, sizeof text - 1, 0);
    if (count > 0) std::from_chars(text, text + count, pid);
  }
  close(fd);
  return pid;
}

Result<StateLock> StateLock::Take(const State& state) {
  const fs::path path = state.root() / "lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FromErrno("lock " + path.string(), errno);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    Error busy = Transient("process " + std::to_string(state.RunningProcess()) + " runs in " +
                           state.root().string() +
                           "; wait for it, or give this run a folder of its own with --state");
    return busy;
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    const int why = errno;
    close(fd);
    return FromErrno("lock " + path.string(), why);
  }
  return StateLock(fd);
}

StateLock::StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace penstock::cli
