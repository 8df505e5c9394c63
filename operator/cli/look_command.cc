// penstock look: what is in a dataset, by the program penstock-components.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <ostream>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/copy_folder.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/objects/table.h"
#include "operator/os/child_process.h"
#include "operator/os/fd.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

std::string ReadAll(int descriptor) {
  std::string text;
  char bytes[4096];
  for (;;) {
    const ssize_t n = read(descriptor, bytes, sizeof bytes);
    if (n > 0) text.append(bytes, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) return text;
  }
}

std::vector<std::string> Arguments(const LookOptions& options, const fs::path& program,
                                   const fs::path& dataset, const Session& session) {
  const int width = options.width > 0 ? options.width : session.width;
  std::vector<std::string> argv = {program.string(), "look", "--input",
                                   "dataset=" + dataset.string()};
  const auto parameter = [&argv](const std::string& name, const Json& value) {
    argv.insert(argv.end(), {"--parameter", name + "=" + value.dump()});
  };
  parameter("name", options.dataset);
  parameter("width", std::clamp(width, 20, 1000));
  parameter("rows", options.rows);
  parameter("color", session.terminal && session.Env("NO_COLOR").empty());
  if (!options.columns.empty()) parameter("columns", options.columns);
  return argv;
}

// What it writes is handed on; of what it says when it fails, the reason.
int RunProgram(const std::vector<std::string>& argv, Session& session) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return session.Fail(FromErrno("pipe", errno));
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  ChildOptions child;
  child.argv = argv;
  child.environment = OwnEnvironment();
  child.output = write_end.get();
  child.error = write_end.get();
  Result<ChildProcess> process = ChildProcess::Start(child);
  if (!process) return session.Fail(kFailed, process.error().message);
  write_end = Fd();
  const std::stop_callback ask(session.interrupted, [&] { process->Terminate(); });
  std::string said = ReadAll(read_end.get());
  const auto exit = process->Wait(std::nullopt);
  if (exit && exit->ExitCode() == 0) {
    session.out << said << std::flush;
    return kOk;
  }
  constexpr std::string_view kName = "look: ";
  if (said.starts_with(kName)) said.erase(0, kName.size());
  while (said.ends_with('\n')) said.pop_back();
  return session.Fail(kFailed, said.empty() ? "penstock-components look failed" : OneLine(said));
}

}  // namespace

int Look(const LookOptions& options, Session& session) {
  const Result<fs::path> program = FindOurProgram(session, "penstock-components");
  if (!program) return session.Fail(kFailed, program.error().message);
  std::error_code ignored;
  const fs::path given = session.directory / options.dataset;
  if (fs::exists(given, ignored)) {
    return RunProgram(Arguments(options, *program, given, session), session);
  }
  const Result<CopyFolder> folder = CopyFolder::Create("look");
  if (!folder) return session.Fail(kFailed, folder.error().message);
  ArtifactOptions artifact;
  artifact.source = options.dataset;
  artifact.gateway = options.gateway;
  artifact.token_file = options.token_file;
  artifact.ca_file = options.ca_file;
  const fs::path copy = folder->path() / "dataset";
  const Result<void> got = CopyArtifact(artifact, copy, session);
  if (!got) {
    return session.Fail(kFailed, "there is no file " + given.string() +
                                     ", and as an artifact: " + got.error().message);
  }
  return RunProgram(Arguments(options, *program, copy, session), session);
}

}  // namespace penstock::cli
