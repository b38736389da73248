#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// A channel for canaries alone.
const std::string kCanary = "app/canary";
/// By then every subscription is confirmed.
constexpr Duration kSubscribed = 1s;
/// By then every canary has arrived.
constexpr Duration kArrived = 1s;
/// On data a tail comes each second, on control a heartbeat each quarter of a second; and a moment more.
constexpr Duration kSilence = 1100ms;

/// The hosts with a process that neither leaves nor has left.
std::vector<HostId> everybody(World& world) {
    std::vector<HostId> hosts;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host);
            process != nullptr && !process->left && !process->leaving_since) {
            hosts.push_back(host);
        }
    }
    return hosts;
}

/// Judges the arrival of canaries, and the age of the last message on each path.
void check_pair(World& world, HostId from, HostId to) {
    const Process& sender = *world.process(from);
    const Process& receiver = *world.process(to);
    const std::string pair = "P8 " + world.name_of(sender.oid) + " -> " + world.name_of(receiver.oid);
    for (const Accepted& message : world.accepted()) {
        if (message.channel != kCanary || message.origin != sender.oid) {
            continue;
        }
        const auto clients = receiver.edge.audience(kCanary);
        if (clients.empty() || !clients.front()->saw(message.origin, message.n)) {
            world.violation(pair + ": the canary did not arrive");
        }
    }
    for (const bool data : {false, true}) {
        const Duration silence = world.now() - world.network().last_arrival(from, to, data);
        // A node sends nothing to itself.
        if (from != to && silence > kSilence) {
            world.violation(pair + ": nothing on " + (data ? "data" : "control") + " for " +
                            std::to_string(silence / 1ms) + " ms");
        }
    }
}

}  // namespace

void check_canaries(World& world) {
    for (const HostId host : everybody(world)) {
        world.subscribe(host, mesh::ShardIndex{0}, kCanary);
    }
    world.run_for(kSubscribed);
    for (const HostId host : everybody(world)) {
        if (world.process(host)->edge.audience(kCanary).empty()) {
            world.violation("P8 " + world.name_of(world.process(host)->oid) + " can't subscribe");
        }
        world.publish(host, kCanary);
    }
    world.run_for(kArrived);
    for (const HostId from : everybody(world)) {
        for (const HostId to : everybody(world)) {
            check_pair(world, from, to);
        }
    }
}

}  // namespace tulle::sim
