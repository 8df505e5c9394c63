#include "operator/cli/ui/ui_command.h"

#include <pwd.h>
#include <sys/random.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <ostream>

#include "operator/base/file.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/cli/ui/cluster_mirror.h"
#include "operator/cli/ui/local_acting.h"
#include "operator/cli/ui/local_place.h"
#include "operator/cli/ui/ui_server.h"
#include "operator/gateway/api/cluster_acting.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// 256 bits, in hex.
Result<std::string> MakeToken() {
  unsigned char bytes[32];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    return FromErrno("random bytes for the token", errno);
  constexpr char kHex[] = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : bytes) {
    token += kHex[byte >> 4];
    token += kHex[byte & 15];
  }
  return token;
}

std::string UserName() {
  const passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? "uid " + std::to_string(::getuid()) : user->pw_name;
}

void AwaitInterrupt(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait(lock, stop, [] { return false; });
}

}  // namespace

fs::path PageFolder(const Session& session) {
  if (const std::string folder = session.Env("PENSTOCK_UI"); !folder.empty()) return folder;
  const fs::path bin = session.program.parent_path();
  std::error_code ignored;
  for (fs::path folder = bin; folder != folder.root_path(); folder = folder.parent_path())
    if (fs::exists(folder / "ui" / "dist" / "index.html", ignored)) return folder / "ui" / "dist";
  return bin.parent_path() / "share" / "penstock" / "ui";
}

namespace {

int Serve(UiServerOptions options, const std::string& what, const UiOptions& asked,
          Session& session) {
  const auto token = MakeToken();
  if (!token) return session.Fail(kFailed, token.error().message);
  options.page = PageFolder(session);
  options.token = *token;
  options.port = static_cast<std::uint16_t>(asked.port);
  const auto ui = UiServer::Start(std::move(options));
  if (!ui) return session.Fail(kFailed, ui.error().message);
  if (!(*ui)->trouble().empty())
    session.err << "note: " << (*ui)->trouble() << "; the API answers without it\n";
  session.out << "Runs of " << what << ": " << (*ui)->Address()
              << "\nWhoever has this address sees them. Ctrl-C ends it.\n"
              << std::flush;
  AwaitInterrupt(session.interrupted);
  return kOk;
}

// With the kubeconfig's identity: the API server says what it may see and do.
int ServeCluster(const UiOptions& asked, Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const auto mirror = ClusterMirror::Open(*cluster->client, cluster->namespace_, session.clock,
                                          session.interrupted);
  if (!mirror) return session.Fail(kFailed, mirror.error().message);
  gateway::ClusterActing acting(
      (*mirror)->place(), [&](const gateway::Caller&) -> Result<std::unique_ptr<kube::Client>> {
        Result<Cluster> own = session.connect(session.flags);
        if (!own) return own.error();
        return std::move(own->client);
      });
  UiServerOptions server;
  server.place = &(*mirror)->place();
  server.acting = &acting;
  const auto me = WhoAmI(*cluster->client);
  server.user = me ? me->name : UserName();
  server.as = "kubeconfig";
  return Serve(std::move(server), "namespace " + cluster->namespace_ + " of " + cluster->server,
               asked, session);
}

}  // namespace

int ServeUi(const UiOptions& options, Session& session) {
  if (State::AsksForCluster(session)) return ServeCluster(options, session);
  const State state = State::Of(session);
  const auto place = LocalPlace::Open(state, session.clock);
  if (!place) return session.Fail(kFailed, place.error().message);
  LocalActing acting(state, **place);
  UiServerOptions server;
  server.place = place->get();
  server.acting = &acting;
  server.user = UserName();
  return Serve(std::move(server), state.root().string(), options, session);
}

}  // namespace penstock::cli
