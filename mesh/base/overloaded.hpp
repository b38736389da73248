#pragma once

namespace tulle {

/// One callable made of several: `std::visit` calls the one that takes the alternative. An alternative that none takes
/// does not compile, so a new kind of message is missed by nobody.
template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace tulle
