#include "components/router/grpc/testing/doubles.h"

#include <chrono>
#include <utility>

namespace penstock::router {

grpc::ByteBuffer BufferOf(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

class GrpcDouble::Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(GrpcDouble* of, grpc::GenericCallbackServerContext* context)
      : double_(of), context_(context), what_(context->method()) {
    what_ = what_.substr(what_.rfind('/') + 1);
    Begin();
  }

  void Begin() {
    if (what_ == "Fail") {
      context_->AddTrailingMetadata("trailer", "kept");
      context_->AddTrailingMetadata("trailer-bin", std::string("\0\xff", 2));
      return End({grpc::StatusCode::PERMISSION_DENIED, "not you, 50 % of it", "details\xff"});
    }
    if (what_ == "Full") return End({grpc::StatusCode::RESOURCE_EXHAUSTED, "full"});
    if (what_ == "Hang") return StartRead(&request_);
    if (what_ == "Greet") return Say(double_->name);
    if (!IsKnown()) return End({grpc::StatusCode::UNIMPLEMENTED, "what?"});
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return NoMore();
    const std::string message = TextOf(request_);
    {
      const std::lock_guard lock(double_->mutex_);
      double_->last_message_ = message;
    }
    ++read_;
    if (what_ == "Hang") return;
    if (what_ == "Collect") return StartRead(&request_);
    if (what_ == "Count") {
      left_ = std::stoi(message);
      return Say(std::to_string(left_));
    }
    Say(double_->name + " " + message);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return;
    if (what_ == "Count" && --left_ > 0) return Say(std::to_string(left_));
    if (collected_) return End(grpc::Status::OK);
    StartRead(&request_);
  }
  void OnCancel() override {
    ++double_->cancelled;
    End(grpc::Status::CANCELLED);
  }
  // Whether the client had gone is only certain now.
  void OnDone() override {
    if (half_closed_ && !context_->IsCancelled()) {
      const std::lock_guard lock(double_->mutex_);
      ++double_->completed_;
      double_->ended_.notify_all();
    }
    delete this;
  }

 private:
  [[nodiscard]] bool IsKnown() const {
    for (const char* known :
         {"Echo", "ModelInfer", "ModelReady", "Check", "Chat", "Count", "Collect"})
      if (what_ == known) return true;
    return false;
  }
  void Say(const std::string& text) {
    answer_ = BufferOf(text);
    StartWrite(&answer_);
  }
  // The client's half-close and its going are told alike: who has gone gets no answer anyway.
  void NoMore() {
    if (what_ == "Hang") return;
    half_closed_ = true;
    if (what_ != "Collect") return End(grpc::Status::OK);
    collected_ = true;
    Say(std::to_string(read_));
  }
  void End(const grpc::Status& status) {
    if (!ended_.exchange(true)) Finish(status);
  }

  GrpcDouble* const double_;
  grpc::GenericCallbackServerContext* const context_;
  std::string what_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer answer_;
  int read_ = 0;
  int left_ = 0;
  bool collected_ = false;
  bool half_closed_ = false;
  std::atomic<bool> ended_{false};
};

GrpcDouble::GrpcDouble(std::string the_name, int at) : name(std::move(the_name)) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(at), grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterCallbackGenericService(this);
  server_ = builder.BuildAndStart();
}

GrpcDouble::~GrpcDouble() { server_->Shutdown(std::chrono::system_clock::now()); }

Endpoint GrpcDouble::endpoint() const { return {"127.0.0.1", 1, static_cast<std::uint16_t>(port)}; }

std::multimap<std::string, std::string> GrpcDouble::metadata() {
  const std::lock_guard lock(mutex_);
  return metadata_;
}

bool GrpcDouble::WaitCompleted(int calls) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, std::chrono::seconds(20), [&] { return completed_ >= calls; }) &&
         completed_ == calls;
}

int GrpcDouble::completed() {
  const std::lock_guard lock(mutex_);
  return completed_;
}

std::string GrpcDouble::last_message() {
  const std::lock_guard lock(mutex_);
  return last_message_;
}

std::chrono::system_clock::time_point GrpcDouble::deadline() {
  const std::lock_guard lock(mutex_);
  return deadline_;
}

grpc::ServerGenericBidiReactor* GrpcDouble::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  {
    const std::lock_guard lock(mutex_);
    metadata_.clear();
    for (const auto& [key, value] : context->client_metadata())
      metadata_.emplace(std::string(key.data(), key.size()),
                        std::string(value.data(), value.size()));
    deadline_ = context->deadline();
  }
  ++calls;
  context->AddInitialMetadata("head", name);
  return new Reactor(this, context);
}

Talk::~Talk() {
  context.TryCancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool Talk::Wait() {
  void* tag = nullptr;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

bool Talk::Start() {
  stream_ = stub_.PrepareCall(&context, method_, &queue_);
  stream_->StartCall(this);
  return Wait();
}

bool Talk::Write(const std::string& message) {
  stream_->Write(BufferOf(message), this);
  return Wait();
}

bool Talk::WritesDone() {
  stream_->WritesDone(this);
  return Wait();
}

std::optional<std::string> Talk::Read() {
  grpc::ByteBuffer buffer;
  stream_->Read(&buffer, this);
  if (!Wait()) return std::nullopt;
  return TextOf(buffer);
}

bool Talk::ReadHead() {
  stream_->ReadInitialMetadata(this);
  return Wait();
}

grpc::Status Talk::Finish() {
  grpc::Status status;
  stream_->Finish(&status, this);
  (void)Wait();
  return status;
}

}  // namespace penstock::router
