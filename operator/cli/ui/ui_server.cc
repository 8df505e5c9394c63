#include "operator/cli/ui/ui_server.h"

#include <future>

#include "operator/base/try.h"

namespace penstock::cli {
namespace {

constexpr std::uint64_t kBodyMemory = 512 << 20;

}  // namespace

UiServer::UiServer(UiServerOptions options)
    : options_(std::move(options)), bodies_(kBodyMemory), events_(options_.place->history()) {
  auto page = gateway::PageFiles::Load(options_.page);
  if (page)
    page_ = *std::move(page);
  else
    trouble_ = page.error().message;
}

Result<std::unique_ptr<UiServer>> UiServer::Start(UiServerOptions options) {
  std::unique_ptr<UiServer> ui(new UiServer(std::move(options)));
  net::HttpServerOptions server;
  server.address = "127.0.0.1";
  server.port = ui->options_.port;
  // The port is known once it listens, and who may come in by then only: the first request waits.
  std::promise<void> ready;
  auto started = net::HttpServer::Start(
      server, [ui = ui.get(), open = ready.get_future().share()](net::Exchange& x) {
        open.wait();
        ui->Serve(x);
      });
  if (!started)
    return Wrap("port " + std::to_string(server.port) + " of 127.0.0.1 (--port gives another)",
                started.error());
  ui->server_ = *std::move(started);
  ui->access_ = std::make_unique<gateway::LocalAccess>(ui->options_.user, ui->options_.token,
                                                       ui->server_->port(), ui->options_.as);
  ui->parts_ = {ui->options_.place, ui->access_.get(), ui->options_.acting,
                &ui->bodies_,       &ui->events_,      ui->options_.audit};
  gateway::AddApi(ui->router_, ui->parts_);
  if (ui->page_) gateway::AddPage(ui->router_, *ui->page_);
  ready.set_value();
  return ui;
}

std::string UiServer::Address() const {
  return "http://127.0.0.1:" + std::to_string(port()) + "/?token=" + options_.token;
}

void UiServer::Serve(net::Exchange& x) {
  // A name of somebody else's that leads here (DNS rebinding) is no name of ours.
  if (!access_->IsHere(x))
    return gateway::RespondApiError(x, 421, "Misdirected",
                                    "this is no server of the host that was asked for");
  const auto query = gateway::ParseQuery(x.query());
  if (query && x.path() == "/")
    for (const auto& [name, value] : *query)
      if (name == "token") return Enter(x, value);
  if (!page_ && x.path() == "/")
    return x.Respond(503, "text/plain; charset=utf-8", trouble_ + "\nThe API is at /api/v1.\n");
  router_.Dispatch(x);
}

void UiServer::Enter(net::Exchange& x, const std::string& token) {
  if (!access_->IsToken(token))
    return gateway::RespondApiError(
        x, 401, "Unauthorized",
        "the token is another one: open the address that `penstock ui` printed last");
  x.Respond(303, "", "",
            {{"Location", "/"},
             {"Cache-Control", "no-store"},
             {"Referrer-Policy", "no-referrer"},
             {"Set-Cookie",
              gateway::CookieName(port()) + "=" + token + "; Path=/; HttpOnly; SameSite=Strict"}});
}

}  // namespace penstock::cli
