// A turn of the mesh core of one node, by the number of its sessions: what it costs must not grow with them.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "tests/bench/micro/mesh_star.hpp"

namespace tulle::bench {
namespace {

using mesh::Input;

constexpr std::size_t kWarmUp = 3000;  // turns: a heartbeat of each peer, and more

/// One publish that one of `range(0)` peers is interested in, and the heartbeats that are due.
void turn_with_a_publish(benchmark::State& state) {
    MeshStar star(static_cast<std::size_t>(state.range(0)));
    const SharedBody body = share(EventBody("e", std::string(64, 'x')));
    std::vector<Input> inputs;
    const auto turn = [&] {
        inputs.clear();
        inputs.push_back(mesh::PortInput{mesh::ShardIndex{0}, mesh::Publish{0, {MeshStar::channel(0)}, body, {}}});
        return star.turn(inputs);
    };
    for (std::size_t i = 0; i < kWarmUp; ++i) {
        turn();
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(turn());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(turn_with_a_publish)->Arg(2)->Arg(8)->Arg(64)->Arg(256);

/// One frame of one record from one of `range(0)` peers.
void turn_with_a_frame(benchmark::State& state) {
    MeshStar star(static_cast<std::size_t>(state.range(0)));
    const SharedBody body = share(EventBody("e", std::string(64, 'x')));
    std::vector<Input> inputs;
    const auto turn = [&] {
        inputs.clear();
        inputs.push_back(star.frame(1, MeshStar::channel(0), body));
        return star.turn(inputs);
    };
    for (std::size_t i = 0; i < kWarmUp; ++i) {
        turn();
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(turn());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(turn_with_a_frame)->Arg(2)->Arg(8)->Arg(64)->Arg(256);

}  // namespace
}  // namespace tulle::bench
