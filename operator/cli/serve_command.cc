// penstock serve: the model server on a model artifact of this machine.
#include <unistd.h>

#include <cerrno>
#include <ostream>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/state.h"

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
  const std::string first = options.model.substr(0, options.model.find('/'));
  if (first.starts_with("sha256:") || first.empty() || first.starts_with('.')) return "model";
  return first;
}

}  // namespace

int Serve(const ServeOptions& options, Session& session) {
  const State state = State::Of(session);
  const Result<fs::path> folder = ModelFolder(options.model, state, session);
  if (!folder) return session.Fail(kFailed, folder.error().message);
  const Result<fs::path> program = FindOurProgram(session, "penstock-serve");
  if (!program) return session.Fail(kFailed, program.error().message);
  const std::string name = ModelName(options), port = std::to_string(options.port);
  const std::string url = "http://" + options.address + ":" + port;
  if (Result<void> created = state.Create(); !created) return session.Fail(created.error());
  const Json note = {{"url", url}, {"model", name}};
  const Result<void> noted = WriteFileAtomically(state.root() / "serve.json", note.dump());
  if (!noted) return session.Fail(noted.error());
  session.out << "serving " << name << " on " << url << "/v2/models/" << name << "/infer\n"
              << "try: " << session.name << " predict --input row.json   (Ctrl-C ends)\n"
              << std::flush;
  std::vector<std::string> argv = {
      program->string(), "--model",       folder->string(), "--name", name, "--port", port,
      "--address",       options.address, "--drain-delay",  "0s"};
  argv.insert(argv.end(), options.more.begin(), options.more.end());
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execv(program->c_str(), pointers.data());
  return session.Fail(kFailed, FromErrno("start " + program->string(), errno).message);
}

}  // namespace penstock::cli
