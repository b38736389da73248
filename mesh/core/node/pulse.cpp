#include "mesh/core/node/pulse.hpp"

#include <algorithm>

namespace tulle::mesh {
namespace {

/// No honest monotonic clock shows more (36,000 years), and sums of such times can't overflow.
constexpr std::int64_t kLatestUs = std::int64_t{1} << 60;

}  // namespace

std::optional<Instant> Pulse::on(Instant now, Session& session, const Heartbeat& heartbeat) {
    session.beats.echo_us = heartbeat.sent_at_us;
    session.beats.echo_at = now;
    Tally& tally = tallies_.of(session.oid);
    tally.load = heartbeat.load;
    const std::int64_t now_us = now.time_since_epoch() / 1us;
    // No echo, or an echo of a moment still to come.
    if (heartbeat.echo_us <= 0 || heartbeat.echo_us > now_us) {
        return std::nullopt;
    }
    // `away` is the whole time since our heartbeat was sent; the peer held the echo for a part of it.
    const std::int64_t away = now_us - heartbeat.echo_us;
    // A heartbeat sent before we slept was not under way all the time.
    if (heartbeat.echo_us >= awake_since_.time_since_epoch() / 1us && heartbeat.echo_held_us >= 0 &&
        heartbeat.echo_held_us <= away && heartbeat.sent_at_us >= 0 && heartbeat.sent_at_us < kLatestUs) {
        const std::int64_t rtt = std::max<std::int64_t>(1, away - heartbeat.echo_held_us);
        const auto measured = static_cast<std::uint64_t>(rtt);
        // Smoothed as TCP does: an eighth of the new measurement.
        tally.rtt_us = tally.rtt_us == 0 ? measured : (7 * tally.rtt_us + measured) / 8;
        // Only a fast round trip sets the clock offset: the error is half the round trip.
        if (measured <= tally.rtt_us) {
            tally.clock = {heartbeat.sent_at_us - now_us + rtt / 2, measured / 2 + 1};
        }
    }
    return Instant{std::chrono::microseconds{heartbeat.echo_us}};
}

void Pulse::hurry_all(Instant now) const {
    for (auto& [oid, session] : context_.sessions()) {
        hurry(now, session);
        context_.sessions().touch(session);
    }
}

void Pulse::write(Instant now, Session& session, Heartbeat& heartbeat) const {
    session.beats.next_at = now + context_.timing().heartbeat;
    heartbeat.sent_at_us = now.time_since_epoch() / 1us;
    heartbeat.echo_us = session.beats.echo_us;
    heartbeat.echo_held_us = session.beats.echo_us == 0 ? 0 : (now - session.beats.echo_at) / 1us;
    heartbeat.load.uptime_s = uptime_s(now);
    heartbeat.load.clients = clients();
}

std::uint64_t Pulse::clients() const {
    std::uint64_t sum = 0;
    for (const auto& [shard, clients] : clients_) {
        sum += clients;
    }
    return sum;
}

}  // namespace tulle::mesh
