#include "tests/sim/scenario_file.hpp"

#include <cctype>
#include <cstdio>
#include <functional>
#include <map>
#include <sstream>
#include <vector>

#include "tests/sim/checkers.hpp"
#include "tests/sim/world.hpp"

namespace tulle::sim {
namespace {

/// The line without "/1a2b" behind a name and without " (16 digits)": ids are random.
std::string without_ids(const std::string& line) {
    const auto all_hex = [&](std::size_t from, std::size_t count) {
        for (std::size_t i = from; i < from + count; ++i) {
            if (i >= line.size() || !std::isxdigit(static_cast<unsigned char>(line[i]))) {
                return false;
            }
        }
        return true;
    };
    std::string clean;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '/' && all_hex(i + 1, 4)) {
            i += 4;
        } else if (line.compare(i, 2, " (") == 0 && all_hex(i + 2, 16)) {
            i += 18;
        } else {
            clean += line[i];
        }
    }
    return clean;
}

/// A world that obeys a script and writes a trace.
class Player {
public:
    explicit Player(std::size_t nodes) : world_(options(nodes)) {
        // A script breaks whatever the script wants, so promises about calm times are not judged. The golden file is
        // the judge.
        world_.faulty(1h);
        for (HostId host = 0; host < nodes; ++host) {
            start(host);
        }
    }

    /// Plans an action of the script. Returns false for an unknown action.
    bool at(Duration when, const std::string& what, std::istringstream& words) {
        std::string first;
        std::string second;
        std::uint64_t times = 1;
        words >> first >> second >> times;
        if (first.empty() || !std::isdigit(static_cast<unsigned char>(first.front()))) {
            return false;
        }
        const HostId host = std::stoul(first);
        const std::size_t slash = first.find('/');
        const mesh::ShardIndex shard{static_cast<std::uint16_t>(
            slash == std::string::npos ? 0 : std::stoul(first.substr(slash + 1)) % Edge::kShards)};
        const bool numeric = !second.empty() && std::isdigit(static_cast<unsigned char>(second.front()));
        const HostId other = numeric ? std::stoul(second) : 0;
        if (host >= world_.hosts() || other >= world_.hosts()) {
            return false;
        }
        // The words of the script, see scenario_file.hpp.
        const std::map<std::string, std::function<void()>> actions{
            {"subscribe", [=, this] { world_.subscribe(host, shard, second); }},
            {"unsubscribe", [=, this] { world_.unsubscribe(host, shard, second); }},
            {"publish", [=, this] { publish(host, second, times); }},
            {"kill", [=, this] { world_.kill(host); }},
            {"start", [=, this] { start(host); }},
            {"leave", [=, this] { world_.leave(host); }},
            {"freeze", [=, this] { world_.freeze(host); }},
            {"thaw", [=, this] { world_.thaw(host); }},
            {"cut",
             [=, this] {
                 cut(host, other);
                 cut(other, host);
             }},
            {"cut-one-way", [=, this] { cut(host, other); }},
            {"heal",
             [=, this] {
                 world_.network().heal(host, other);
                 world_.network().heal(other, host);
             }},
            {"reset", [=, this] { world_.network().reset(host, other); }},
            {"mute", [=, this] { world_.network().alter(host, other).mute = true; }},
            {"unmute", [=, this] { world_.network().alter(host, other).mute = false; }}};
        const auto action = actions.find(what);
        if (action == actions.end()) {
            return false;
        }
        world_.scheduler().at(kBegin + when, [this, run = action->second,
                                              line = what + " " + first + (second.empty() ? "" : " " + second)] {
            world_.note("-- " + line);
            run();
        });
        return true;
    }

    /// Runs the world, then describes the end. Returns the whole trace.
    std::string run(Duration time) {
        world_.run_for(time);
        Outcome outcome;
        check_views(world_);
        check_deliveries(world_, outcome);
        for (HostId host = 0; host < world_.hosts(); ++host) {
            describe(host);
        }
        trace_ << "violations: " << world_.violations().size() << '\n';
        return trace_.str();
    }

private:
    static constexpr Instant kBegin{1000s};

    /// Options with a sink that writes to the trace.
    WorldOptions options(std::size_t nodes) {
        WorldOptions options{.seed = 1, .hosts = nodes};
        options.sink = [this](Instant at, const std::string& what) {
            char time[16];
            std::snprintf(time, sizeof time, "%6.2f ", static_cast<double>((at - kBegin) / 10ms) / 100.0);
            trace_ << time << without_ids(what) << '\n';
        };
        return options;
    }

    /// Every host knows all hosts as seeds.
    void start(HostId host) {
        std::vector<HostId> seeds;
        for (HostId other = 0; other < world_.hosts(); ++other) {
            seeds.push_back(other);
        }
        world_.start(host, seeds, "n" + std::to_string(host));
    }

    void publish(HostId host, const std::string& channel, std::uint64_t times) {
        for (std::uint64_t i = 0; i < times; ++i) {
            world_.publish(host, channel);
        }
    }

    void cut(HostId from, HostId to) { world_.network().cut(from, to); }

    /// The peers of a node by name, then the deliveries of each client.
    void describe(HostId host) {
        const Process* process = world_.process(host);
        if (process == nullptr) {
            trace_ << "n" << host << ": not running\n";
            return;
        }
        trace_ << "n" << host << ':';
        std::map<std::string, std::string> members;
        for (const auto& [oid, peer] : process->node->membership().peers()) {
            members[peer.name] += std::string(" ") + to_text(peer.state);
        }
        for (const auto& [name, states] : members) {
            trace_ << ' ' << name << states << ';';
        }
        trace_ << '\n';
        process->edge.for_each_confirmed([&](const Client& client) {
            std::map<std::string, std::size_t> seen;
            for (const auto& [origin, records] : client.seen) {
                seen[without_ids(world_.name_of(origin))] += records.size();
            }
            trace_ << "  client " << client.id << " on " << client.channel << ':';
            for (const auto& [name, count] : seen) {
                trace_ << ' ' << count << " of " << name << ',';
            }
            std::uint64_t missing = 0;
            for (const Client::Gap& gap : client.gaps) {
                missing += gap.missing;
            }
            trace_ << " missing " << missing << '\n';
        });
    }

    std::ostringstream trace_;
    World world_;
};

Duration seconds(double value) {
    return Duration{static_cast<Duration::rep>(value * 1e9)};
}

}  // namespace

std::optional<std::string> play_scenario(const std::string& text, std::string& error) {
    std::unique_ptr<Player> player;
    std::istringstream lines(text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        std::istringstream words(line);
        std::string word;
        std::string what;
        double time = 0;
        std::size_t nodes = 0;
        if (!(words >> word) || word.front() == '#') {
            continue;
        }
        if (word == "nodes" && words >> nodes && nodes > 0 && nodes < 64) {
            player = std::make_unique<Player>(nodes);
        } else if (word == "run" && player && words >> time) {
            return player->run(seconds(time));
        } else if (word != "at" || !player || !(words >> time >> what) || !player->at(seconds(time), what, words)) {
            error = "line " + std::to_string(number) + " is not understood: " + line;
            return std::nullopt;
        }
    }
    error = "there is no line: run SECONDS";
    return std::nullopt;
}

}  // namespace tulle::sim
