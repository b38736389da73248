// The Pusher protocol: frames from clients, signatures, and the requests of the HTTP API.

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/digest.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/pusher/wire/http_api.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/core/gate.hpp"

namespace tulle::node::pusher {
namespace {

constexpr Instant kStart{10s};
constexpr Slot kSlot{1};
constexpr WallSeconds kNow{std::chrono::seconds(1'700'000'000)};
constexpr std::string_view kChannel = "private-bench-0";

App bench_app() {
    App app;
    app.id = "app";
    app.key = "app-key";
    app.secret = "app-secret-0123456789";
    app.client_events = true;
    app.client_events_per_second = 0;
    app.max_event_batch_size = 100;
    return app;
}

std::string token(const App& app, const std::string& text) {
    return app.key + ":" + hmac_sha256_hex(app.secret, text);
}

/// A session that is subscribed to kChannel.
class SubscribedSession {
public:
    SubscribedSession() {
        ChannelEffects effects;
        channels_.subscribe(kSlot, "app/" + std::string(kChannel), {}, effects);
        channels_.on_subscribed("app/" + std::string(kChannel), 1, effects);
    }

    void on_text(std::string_view text) {
        session_.on_text(kStart, text, {channels_, rooms_}, effects_);
        benchmark::DoNotOptimize(effects_.data());
        effects_.clear();
    }

    const App& app() const { return app_; }

private:
    App app_ = bench_app();
    SessionTimeouts timeouts_;
    ChannelTable channels_;
    PresenceRooms rooms_;
    Session session_{app_, kSlot, "1.2", timeouts_};
    SessionEffects effects_;
};

void session_takes_a_client_event(benchmark::State& state) {
    SubscribedSession session;
    const std::string text = R"({"event":"client-update","channel":")" + std::string(kChannel) + R"(","data":")" +
                             std::string(static_cast<std::size_t>(state.range(0)), 'x') + R"("})";
    for (auto _ : state) {
        session.on_text(text);
    }
}
BENCHMARK(session_takes_a_client_event)->Arg(64)->Arg(1024);

void session_takes_a_ping(benchmark::State& state) {
    SubscribedSession session;
    for (auto _ : state) {
        session.on_text(R"({"event":"pusher:ping","data":{}})");
    }
}
BENCHMARK(session_takes_a_ping);

void session_takes_a_private_subscription(benchmark::State& state) {
    SubscribedSession session;
    const std::string text = R"({"event":"pusher:subscribe","data":{"channel":"private-other","auth":")" +
                             token(session.app(), "1.2:private-other") + R"("}})";
    for (auto _ : state) {
        session.on_text(text);
    }
}
BENCHMARK(session_takes_a_private_subscription);

void check_of_a_channels_signature(benchmark::State& state) {
    const App app = bench_app();
    const std::string signature = token(app, "1.2:" + std::string(kChannel));
    for (auto _ : state) {
        benchmark::DoNotOptimize(channel_auth_is_valid(app, {"1.2", kChannel, {}}, signature));
    }
}
BENCHMARK(check_of_a_channels_signature);

void hmac_sha256(benchmark::State& state) {
    const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) {
        benchmark::DoNotOptimize(hmac_sha256_hex("app-secret-0123456789", text));
    }
}
BENCHMARK(hmac_sha256)->Arg(64)->Arg(256);

void md5(benchmark::State& state) {
    const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) {
        benchmark::DoNotOptimize(md5_hex(text));
    }
}
BENCHMARK(md5)->Arg(128)->Arg(4096);

std::string event(std::string_view channel_member, std::size_t bytes) {
    return R"({"name":"update",)" + std::string(channel_member) + R"(,"data":")" + std::string(bytes, 'x') + R"("})";
}

HttpRequest signed_request(const App& app, const std::string& path, std::string body) {
    const std::string query = "auth_key=" + app.key +
                              "&auth_timestamp=" + std::to_string(kNow.time_since_epoch().count()) +
                              "&auth_version=1.0&body_md5=" + md5_hex(body);
    const std::string signature = hmac_sha256_hex(app.secret, "POST\n" + path + "\n" + query);
    return {"POST", path + "?" + query + "&auth_signature=" + signature, std::move(body)};
}

void run_request(benchmark::State& state, const std::string& path, const std::string& body) {
    const AppTable apps({bench_app()});
    const HttpRequest request = signed_request(apps.all().front(), path, body);
    if (!std::holds_alternative<ApiWork>(handle(request, apps, kNow))) {
        state.SkipWithError("the request is refused");
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(handle(request, apps, kNow));
    }
}

/// From the request to what is to be published: signature, digest, JSON and every limit of the content.
void signed_publish_checked(benchmark::State& state) {
    run_request(state, "/apps/app/events",
                event(R"("channels":["private-bench-0"])", static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(signed_publish_checked)->Arg(64)->Arg(1024);

void signed_batch_checked(benchmark::State& state) {
    std::string events;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        events.append(i == 0 ? "" : ",").append(event(R"("channel":"private-bench-0")", 64));
    }
    run_request(state, "/apps/app/batch_events", "{\"batch\":[" + events + "]}");
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(signed_batch_checked)->Arg(10)->Arg(100);

void gate_checks_a_head(benchmark::State& state) {
    const std::string text =
        "POST /apps/app/events?auth_key=app-key&auth_timestamp=1700000000&auth_version=1.0&body_md5=" +
        std::string(32, '0') + "&auth_signature=" + std::string(64, '0') +
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nContent-Type: application/json\r\n"
        "Content-Length: 100\r\n\r\n";
    for (auto _ : state) {
        http::Head head;
        http::Refusal refusal;
        benchmark::DoNotOptimize(http::check_head(text, head, refusal));
    }
}
BENCHMARK(gate_checks_a_head);

}  // namespace
}  // namespace tulle::node::pusher
