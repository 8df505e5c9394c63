// penstock serve: the model server on a model artifact of this machine.
//
// The server says much before it knows whether the model loads. What it says is held back until it
// is ready, so that what cannot be served is told by its reason, and nothing claims to be served.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <ostream>
#include <thread>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/objects/table.h"
#include "operator/net/http_client.h"
#include "operator/os/child_process.h"
#include "operator/os/fd.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// The model's folder on this machine: as given, or a copy of the artifact kept by its digest.
Result<fs::path> ModelFolder(const std::string& model, const State& state, const Session& session) {
  std::error_code ignored;
  const fs::path given = session.directory / model;
  if (fs::is_regular_file(given / "model.yaml", ignored)) return given;
  const Result<ArtifactRef> artifact = state.FindArtifact(model);
  if (!artifact) return Wrap("model " + model, artifact.error());
  if (!artifact->folder) return Invalid(model + " is a file, and a model is a folder");
  const fs::path folder = state.root() / "models" / artifact->digest.substr(7);
  if (!fs::exists(folder, ignored)) {
    fs::create_directories(folder.parent_path(), ignored);
    const Result<void> got = state.store().Get(kLocalNamespace, *artifact, folder);
    if (!got) return Wrap("model " + model, got.error());
  }
  if (!fs::is_regular_file(folder / "model.yaml", ignored)) {
    return Invalid(model + " is no model: it has no model.yaml");
  }
  return folder;
}

// "flights" of "flights", "flights/model" and "flights-4be1c0a2d7-1/train/model"; a folder's name.
std::string ModelName(const ServeOptions& options) {
  if (!options.name.empty()) return options.name;
  std::string first = options.model.substr(0, options.model.find('/'));
  if (first.starts_with("sha256:") || first.empty() || first.starts_with('.')) return "model";
  return first;
}

// What the server writes: kept until Release(), and from then on handed on as it comes.
class HeldOutput {
 public:
  explicit HeldOutput(std::ostream& out) : out_(out) {}
  Result<void> Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
    read_ = Fd(ends[0]);
    write_ = Fd(ends[1]);
    return {};
  }
  [[nodiscard]] int descriptor() const { return write_.get(); }
  // Once the server has its copy of the descriptor.
  void Follow() {
    write_ = Fd();
    reader_ = std::thread([this] {
      char bytes[4096];
      for (ssize_t n = 0; (n = read(read_.get(), bytes, sizeof bytes)) > 0 || errno == EINTR;) {
        if (n > 0) Take({bytes, static_cast<std::size_t>(n)});
        if (n == 0) break;
      }
    });
  }
  void Release() {
    const std::scoped_lock lock(mutex_);
    out_ << held_ << std::flush;
    held_.clear();
    released_ = true;
  }
  // What was held back, once the server has ended.
  std::string Finish() {
    if (reader_.joinable()) reader_.join();
    return std::exchange(held_, "");
  }
  ~HeldOutput() {
    if (reader_.joinable()) reader_.join();
  }

 private:
  void Take(std::string_view bytes) {
    const std::scoped_lock lock(mutex_);
    if (released_) {
      out_ << bytes << std::flush;
    } else {
      held_ += bytes;
    }
  }
  std::ostream& out_;
  Fd read_, write_;
  std::thread reader_;
  std::mutex mutex_;
  std::string held_;
  bool released_ = false;
};

bool IsReady(const std::string& url, const std::stop_token& stop) {
  const auto client = net::HttpClient::Make(url, {});
  if (!client) return false;
  net::HttpRequest request;
  request.target = "/v2/health/ready";
  net::Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  limits.stop = stop;
  const auto answer = (*client)->Send(request, limits);
  return answer && answer->Good();
}

// The last line first: it says why the server ended.
int TellEnd(const std::string& model, const ChildExit& exit, std::string said,
            const Session& session) {
  while (said.ends_with('\n')) said.pop_back();
  const std::size_t line = said.rfind('\n');
  const std::string why = line == std::string::npos ? said : said.substr(line + 1);
  session.err << "error: " << model << " cannot be served: " << OneLine(why)
              << " (the server ended "
              << "with code " << exit.ExitCode() << ")\n";
  for (std::size_t at = 0; line != std::string::npos && at <= line;) {
    const std::size_t end = said.find('\n', at);
    session.err << "  | " << OneLine(said.substr(at, end - at)) << "\n";
    at = end + 1;
  }
  return kFailed;
}

// Starts the server and stays until it ends.
int RunServer(const std::vector<std::string>& argv, const std::string& url, const std::string& name,
              Session& session, const std::function<Result<void>()>& when_ready) {
  HeldOutput output(session.err);
  if (Result<void> open = output.Open(); !open) return session.Fail(open.error());
  ChildOptions options;
  options.argv = argv;
  options.environment = OwnEnvironment();
  options.error = output.descriptor();
  options.group = ChildGroup::kOurs;
  Result<ChildProcess> child = ChildProcess::Start(options);
  if (!child) return session.Fail(kFailed, child.error().message);
  output.Follow();
  const std::stop_callback ask(session.interrupted, [&] { child->Terminate(); });
  bool ready = false;
  while (true) {
    const auto exit = child->Wait(ready ? std::nullopt : std::optional(Milliseconds(100)));
    if (exit) {
      const std::string said = output.Finish();
      if (ready || session.interrupted.stop_requested()) return exit->ExitCode();
      return TellEnd(name, *exit, said, session);
    }
    if (ready || !IsReady(url, session.interrupted)) continue;
    ready = true;
    if (Result<void> noted = when_ready(); !noted) session.Fail(noted.error());
    output.Release();
  }
}

}  // namespace

int Serve(const ServeOptions& options, Session& session) {
  const State state = State::Of(session);
  const Result<fs::path> folder = ModelFolder(options.model, state, session);
  if (!folder) return session.Fail(kFailed, folder.error().message);
  const Result<fs::path> program = FindOurProgram(session, "penstock-serve");
  if (!program) return session.Fail(kFailed, program.error().message);
  const std::string name = ModelName(options), port = std::to_string(options.port);
  const bool v6 = options.address.find(':') != std::string::npos;
  const std::string url =
      "http://" + (v6 ? "[" + options.address + "]" : options.address) + ":" + port;
  if (IsReady(url, session.interrupted)) {
    return session.Fail(kFailed, url + " serves a model already; give another --port");
  }
  if (Result<void> created = state.Create(); !created) return session.Fail(created.error());
  std::vector<std::string> argv = {program->string(),
                                   "--model",
                                   folder->string(),
                                   "--name",
                                   name,
                                   "--port",
                                   port,
                                   "--address",
                                   options.address,
                                   "--drain-delay",
                                   "0s",
                                   "--exit-on-load-failure"};
  argv.insert(argv.end(), options.more.begin(), options.more.end());
  return RunServer(argv, url, name, session, [&]() -> Result<void> {
    session.out << "serving " << name << " on " << url << "/v2/models/" << name << "/infer\n"
                << "try: " << session.name << " predict --input row.json   (Ctrl-C ends)\n"
                << std::flush;
    return WriteFileAtomically(state.root() / "serve.json",
                               Json{{"url", url}, {"model", name}}.dump());
  });
}

}  // namespace penstock::cli
