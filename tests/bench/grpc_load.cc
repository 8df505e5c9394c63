// Unary calls of gRPC, one after the other on each of several connections, and what became of them;
// or a server that answers each message by itself. Of any service: messages are bytes.
//
//   grpc-load serve
//       prints its port, and serves until it is killed
//   grpc-load call --target HOST:PORT --method /S/M --body FILE [--connections N] [--seconds S]
//       [--warm-up S] [--pace N] [--until-eof]
//       prints {"ok_per_s", "codes": {"0": n}, "versions": {"1": n}, "failures": [...], "us":
//       {"p50", "p99"}}; with --until-eof it goes on until its input ends
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/json.h"

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

class EchoService : public grpc::CallbackGenericService {
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    Reactor() { StartRead(&message_); }
    void OnReadDone(bool ok) override {
      if (ok) return StartWriteAndFinish(&message_, {}, grpc::Status::OK);
      Finish(grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    grpc::ByteBuffer message_;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor;
  }
};

int Serve() {
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  std::cout << port << std::endl;
  server->Wait();
  return 0;
}

struct Options {
  std::string target, method, body;
  int connections = 1;
  double seconds = 1;
  double warm_up = 0;
  double pace = 0;  // calls a second of each connection; 0: as many as it can
  bool until_eof = false;
};

struct Seen {
  std::map<std::string, std::int64_t> codes, versions;
  std::vector<std::string> failures;
  std::vector<double> microseconds;
};

class Load {
 public:
  Load(Options options, std::string message)
      : options_(std::move(options)), slice_(message), begin_(Clock::now()) {}

  Json Run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < options_.connections; ++i) threads.emplace_back([this] { Connection(); });
    if (options_.until_eof) {
      char ignored = 0;
      while (read(STDIN_FILENO, &ignored, 1) > 0) {
      }
    } else {
      std::this_thread::sleep_for(Seconds(options_.warm_up + options_.seconds));
    }
    ending_ = true;
    for (std::thread& thread : threads) thread.join();
    return Report();
  }

 private:
  void Connection() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::GenericStub stub(
        grpc::CreateCustomChannel(options_.target, grpc::InsecureChannelCredentials(), arguments));
    Seen seen;
    const grpc::ByteBuffer body(&slice_, 1);
    auto due = Clock::now();
    while (!ending_) {
      const auto sent = Clock::now();
      const bool counts = Seconds(sent - begin_).count() >= options_.warm_up;
      Call(&stub, body, counts, &seen);
      if (options_.pace <= 0) continue;
      due = std::max(due, sent) +
            std::chrono::duration_cast<Clock::duration>(Seconds(1 / options_.pace));
      std::this_thread::sleep_until(due);
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [code, count] : seen.codes) all_.codes[code] += count;
    for (const auto& [version, count] : seen.versions) all_.versions[version] += count;
    all_.failures.insert(all_.failures.end(), seen.failures.begin(), seen.failures.end());
    all_.microseconds.insert(all_.microseconds.end(), seen.microseconds.begin(),
                             seen.microseconds.end());
  }

  void Call(grpc::GenericStub* stub, const grpc::ByteBuffer& body, bool counts, Seen* seen) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(15));
    grpc::CompletionQueue queue;
    grpc::ByteBuffer answer;
    grpc::Status status;
    const auto sent = Clock::now();
    auto call = stub->PrepareUnaryCall(&context, options_.method, body, &queue);
    call->StartCall();
    call->Finish(&answer, &status, this);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!counts) return;
    ++seen->codes[std::to_string(status.error_code())];
    if (!status.ok()) return seen->failures.push_back(status.error_message());
    seen->microseconds.push_back(Seconds(Clock::now() - sent).count() * 1e6);
    const auto& head = context.GetServerInitialMetadata();
    const auto version = head.find("penstock-version");
    if (version != head.end())
      ++seen->versions[std::string(version->second.data(), version->second.size())];
  }

  Json Report() {
    std::vector<double>& all = all_.microseconds;
    std::sort(all.begin(), all.end());
    const auto quantile = [&](double q) {
      return all.empty() ? 0
                         : all[static_cast<std::size_t>(q * static_cast<double>(all.size() - 1))];
    };
    const double seconds = Seconds(Clock::now() - begin_).count() - options_.warm_up;
    return {{"ok_per_s", static_cast<double>(all.size()) / seconds},
            {"codes", all_.codes},
            {"versions", all_.versions},
            {"failures", all_.failures},
            {"us", {{"p50", quantile(0.5)}, {"p99", quantile(0.99)}}}};
  }

  const Options options_;
  const grpc::Slice slice_;
  const Clock::time_point begin_;
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  Seen all_;  // guarded by mutex_
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Calls of gRPC, or a server for them.", "grpc-load");
  app.require_subcommand(1);
  const auto* const serve = app.add_subcommand("serve");
  auto* const call = app.add_subcommand("call");
  call->add_option("--target", options.target)->required();
  call->add_option("--method", options.method)->required();
  call->add_option("--body", options.body)->required();
  call->add_option("--connections", options.connections);
  call->add_option("--seconds", options.seconds);
  call->add_option("--warm-up", options.warm_up);
  call->add_option("--pace", options.pace);
  call->add_flag("--until-eof", options.until_eof);
  CLI11_PARSE(app, argc, argv);
  if (serve->parsed()) return Serve();
  std::ifstream file(options.body, std::ios::binary);
  if (!file) {
    std::cerr << "grpc-load: cannot read " << options.body << "\n";
    return 2;
  }
  const std::string message{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::cout << Load(options, message).Run().dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) { return penstock::Main(argc, argv); }
