#include "components/serve/prediction_sender.h"

#include <memory>
#include <utility>

#include "operator/artifacts/transport.h"
#include "operator/base/file.h"

namespace penstock::serve {
namespace {

constexpr const char* kFlag = "--prediction-log-store";

class Sender {
 public:
  Sender(std::string store, std::string ns) : store_(std::move(store)), ns_(std::move(ns)) {}

  Result<void> Open() {
    auto text = store_.starts_with("{") ? Result<std::string>(store_) : ReadFile(store_, 1 << 20);
    if (!text) return Wrap(kFlag, text.error());
    if (transport_ != nullptr && *text == text_) return {};
    auto store = ParseTaskStore(*text, kFlag);
    if (!store) return store.error();
    artifacts::TransportOptions options;
    options.namespace_ = ns_;
    options.deadline = std::chrono::seconds(5);
    auto made = artifacts::MakeTransport(*store, options);
    if (!made) return Wrap(kFlag, made.error());
    transport_ = std::move(*made);
    text_ = std::move(*text);
    return {};
  }

  Result<void> Put(const std::string& model, const std::string& path) {
    if (auto open = Open(); !open) return open;
    return transport_->PutPredictions(model, path);
  }

 private:
  const std::string store_, ns_;
  std::string text_;  // that transport_ was made of
  std::unique_ptr<artifacts::Transport> transport_;
};

}  // namespace

Result<std::function<Result<void>(const std::string& path)>> PredictionSender(
    const std::string& store, const std::string& ns, const std::string& model,
    std::function<void(const std::string& line)> say) {
  const auto sender = std::make_shared<Sender>(store, ns);
  if (auto open = sender->Open(); !open) return open.error();
  return std::function<Result<void>(const std::string& path)>(
      [sender, model, say = std::move(say), failing = false](const std::string& path) mutable {
        auto sent = sender->Put(model, path);
        if (!sent && !failing)
          say("the prediction log does not reach the store, files wait: " + sent.error().message);
        if (sent && failing) say("the prediction log reaches the store again");
        failing = !sent;
        return sent;
      });
}

}  // namespace penstock::serve
