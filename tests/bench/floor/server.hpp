#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::bench::floor {

/// A socket that took less than all.
struct Short {
    std::size_t position = 0;  ///< in the list that was sent to
    std::size_t taken = 0;     ///< bytes
    int error = 0;             ///< 0 when it is merely full
};

/// How the same bytes get into many sockets: what the floors differ in.
class Sender {
public:
    Sender() = default;
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    virtual ~Sender() = default;

    /// Offers all of `bytes` to each socket, without waiting. Appends to `shorts` in ascending position.
    virtual void send_all(std::span<const int> sockets, std::string_view bytes, std::vector<Short>& shorts) = 0;
};

enum class Cadence : std::uint8_t { kPerMessage, kPerTick };

/// The least that a WebSocket fan-out server can do: what a connection to /pub sends as text goes to all that are
/// connected to /sub. No channels, limits, timers or metrics; one thread. A frame is encoded once.
///
/// Cadence: per message, each is sent for itself; per tick, all that came in one turn of the loop goes in one send.
/// Limits:  one descriptor for each connection; when there is none left it throws. Up to kMaxLateBytes are kept for a
///          subscriber whose socket is full; past that it is disconnected.
/// Errors:  std::system_error for what the machine refuses. A client that breaks the protocol is disconnected.
class Server {
public:
    static constexpr std::size_t kMaxLateBytes = std::size_t{64} << 20;

    /// Binds 127.0.0.1 at `port`, 0 for any.
    Server(std::uint16_t port, Cadence cadence, Sender& sender);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// For ever.
    [[noreturn]] void run();

private:
    enum class Role : std::uint8_t { kNone, kStranger, kPublisher, kSubscriber };
    struct Peer {
        Role role = Role::kNone;
        bool is_late = false;
        std::size_t position = 0;  ///< in ready_, of a subscriber that is not late
        std::string in;            ///< the part of a head or frame that has come
        std::string late;          ///< what its socket has not taken yet
    };

    void accept_all();
    void on_ready(int socket, std::uint32_t events);
    void read(int socket);
    [[nodiscard]] bool take_head(int socket, Peer& peer);
    [[nodiscard]] bool take_frames(int socket, Peer& peer);
    void broadcast();
    void add_ready(int socket);
    void remove_ready(int socket);
    void make_late(int socket, std::string_view rest);
    void send_late(int socket);
    void answer(int socket, std::string_view bytes);
    void close_peer(int socket);
    void watch(int socket, std::uint32_t events, int operation);

    Cadence cadence_;
    Sender& sender_;
    int listener_ = -1;
    int epoll_ = -1;
    std::vector<Peer> peers_;  ///< by descriptor
    std::vector<int> ready_;   ///< subscribers whose sockets have taken all so far
    std::vector<int> late_;    ///< the other subscribers
    std::vector<Short> shorts_;
    std::vector<char> buffer_;
    std::string tick_;  ///< frames that wait for the end of the turn
};

/// What both programs do with their arguments; the cadence only where it can be chosen.
struct Arguments {
    std::uint16_t port = 0;
    Cadence cadence = Cadence::kPerTick;
};

/// Exits with a message and code 2 when they are wrong, with the usage and code 0 for --help.
[[nodiscard]] Arguments read_arguments(int argc, char** argv, bool has_cadence);

/// Says on the standard output where it listens, then serves. Returns the exit code of a failure.
int serve(const Arguments& arguments, Sender& sender);

}  // namespace tulle::bench::floor
