#include "components/postgres/run.h"

#include <arrow/api.h>

#include <cstdio>
#include <cstdlib>

#include "components/ingest/parts/sink.h"
#include "components/ingest/parts/wishes.h"
#include "components/postgres/connection.h"
#include "components/postgres/decode.h"
#include "components/postgres/types.h"
#include "components/sdk/scratch_folder.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::postgres {
namespace {

constexpr std::chrono::hours kLongest{168};

struct Asked {
  std::string query;
  std::vector<std::optional<std::string>> arguments;
  ConnectionSettings connection;
  ingest::Wishes wishes;
};

void ReadArguments(sdk::Parameters& p, Asked& asked) {
  const Json list = p.List("arguments");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& value = list[i];
    const std::string name = "arguments[" + std::to_string(i) + "]";
    if (value.is_structured()) {
      p.Fail(name + ": must be a text, a number, a boolean or null");
    } else if (value.is_null()) {
      asked.arguments.emplace_back();
    } else {
      asked.arguments.emplace_back(value.is_string() ? value.get<std::string>() : value.dump());
      if (asked.arguments.back()->find('\0') != std::string::npos)
        p.Fail(name + ": holds a NUL character, which no text of PostgreSQL does");
    }
  }
}

void ReadEnvironment(ConnectionSettings& settings) {
  for (const char* name : {"DATABASE_URL", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) settings.environment[name] = value;
  }
}

Result<Asked> ReadAsked(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  Asked asked;
  asked.query = p.RequiredString("query");
  ReadArguments(p, asked);
  asked.connection.text = p.String("connection", "");
  const std::string timeout = p.String("timeout", "1h");
  const auto parsed = ParseDuration(timeout);
  if (!parsed || *parsed < std::chrono::seconds(1) || *parsed > kLongest) {
    p.Fail("timeout: must be a duration from 1s to 168h, such as 30m");
  } else {
    asked.connection.timeout = *parsed;
  }
  asked.wishes.roles = ingest::ReadRoles(p);
  PENSTOCK_TRY(p.Finish());
  ReadEnvironment(asked.connection);
  if (step.HasInput("schema")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("schema"));
    PENSTOCK_ASSIGN(asked.wishes.schema, sdk::LoadSchema(path));
  }
  return asked;
}

// All rows of the prepared query into the sink, a batch at a time.
Result<void> Stream(Connection& connection, const Asked& asked, Decoder& decoder,
                    ingest::Sink& sink) {
  const auto flush = [&]() -> Result<void> {
    PENSTOCK_ASSIGN(const auto batch, decoder.Take());
    return sink.Write(*batch);
  };
  PENSTOCK_TRY(connection.Execute(asked.arguments, true, [&](const Row& row) -> Result<void> {
    PENSTOCK_TRY(decoder.Add(row));
    return decoder.full() ? flush() : Result<void>();
  }));
  return flush();
}

Result<void> Read(const Asked& asked, ingest::Sink& sink) {
  PENSTOCK_ASSIGN(const auto connection, Connection::Open(asked.connection));
  auto columns = connection->Prepare(asked.query);
  if (!columns) return Wrap("query", columns.error());
  PENSTOCK_ASSIGN(const auto catalog, ReadCatalog(*connection, *columns));
  auto plans = PlanColumns(*columns, catalog);
  if (!plans) return Wrap("query", plans.error());
  PENSTOCK_ASSIGN(const auto decoder, Decoder::Make(*std::move(plans)));
  PENSTOCK_ASSIGN(auto united, ingest::Unite({{.name = "the answer", .schema = decoder->schema()}},
                                             asked.wishes));
  PENSTOCK_TRY(sink.Begin(std::move(united)));
  // The catalogue's query has taken the place of this one.
  if (auto again = connection->Prepare(asked.query); !again) return Wrap("query", again.error());
  if (auto rows = Stream(*connection, asked, *decoder, sink); !rows)
    return Wrap("query", rows.error());
  std::printf("read over %s\n", connection->Protection().c_str());
  return {};
}

}  // namespace

Result<void> RunPostgres(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto asked, ReadAsked(step));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  PENSTOCK_ASSIGN(const auto scratch,
                  sdk::ScratchFolder::Create(ingest::ScratchFor(output) / "postgres.files"));
  asked.connection.scratch = scratch.path();
  ingest::Sink sink(output, 1);
  PENSTOCK_TRY(Read(asked, sink));
  for (const auto& note : sink.plan().notes) std::printf("%s\n", note.c_str());
  PENSTOCK_TRY(sink.Finish());
  PENSTOCK_ASSIGN(const auto schema, ingest::GiveSchema(output, step));
  PENSTOCK_TRY(step.WriteResult("rows", sink.rows()));
  PENSTOCK_TRY(step.WriteResult("columns", schema.columns.size()));
  if (step.HasInput("version")) return {};
  return step.DoNotCache(
      "it reads a database, whose rows are in no cache key; an input version would say whether "
      "they changed");
}

}  // namespace penstock::postgres
