# How everything is compiled. No setting here may change what the program does.
set(WERKBANK_SANITIZE "" CACHE STRING "sanitizers for the whole build, e.g. address,undefined")
option(WERKBANK_FUZZ "build the libFuzzer targets" OFF)

set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_program(LLD ld.lld-19)
if(LLD)
  add_link_options(-fuse-ld=lld-19)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
                    -ffunction-sections -fdata-sections -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
# BOOST_JSON and Asio are linked or compiled once; the rest of the code sees their light faces only.
add_compile_definitions(BOOST_ALL_NO_LIB BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                        BOOST_ASIO_NO_DEPRECATED SPDLOG_FMT_EXTERNAL)
if(WERKBANK_SANITIZE)
  add_compile_options(-fsanitize=${WERKBANK_SANITIZE} -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${WERKBANK_SANITIZE})
endif()
