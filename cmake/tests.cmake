# Unit tests lie beside the code (src/<folder>/*_test.cc, one program per folder); contract suites in tests/contract.
find_package(doctest REQUIRED)
add_library(wb_doctest_main STATIC ${CMAKE_SOURCE_DIR}/tests/support/doctest_main.cc)
target_link_libraries(wb_doctest_main PUBLIC doctest::doctest)

get_property(folders GLOBAL PROPERTY WERKBANK_FOLDERS)
foreach(folder ${folders})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*_test.cc)
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE wb_${name} wb_doctest_main)
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${folder}/testdata OR folder STREQUAL "cli")  # cli reads tests/corpus
      target_compile_definitions(${name}_test PRIVATE WERKBANK_SOURCE_FOLDER="${CMAKE_SOURCE_DIR}")
    endif()
    add_test(NAME ${name} COMMAND ${name}_test)
    list(APPEND test_programs ${name}_test)
  endif()
  file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*_fuzz.cc)
  if(WERKBANK_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(fuzzer_name ${fuzzer} NAME_WE)
      add_executable(${fuzzer_name} ${fuzzer})
      target_link_libraries(${fuzzer_name} PRIVATE wb_${name})
      target_link_options(${fuzzer_name} PRIVATE -fsanitize=fuzzer)
      list(APPEND fuzz_programs ${fuzzer_name})
    endforeach()
  endif()
endforeach()

# A contract suite is one file tests/contract/<interface>.cc; it sees every implementation of that interface.
file(GLOB contracts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/contract/*.cc)
foreach(contract ${contracts})
  get_filename_component(contract_name ${contract} NAME_WE)
  add_executable(contract_${contract_name} ${contract})
  target_include_directories(contract_${contract_name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(contract_${contract_name} PRIVATE wb_store_memory wb_store_sqlite wb_content_memory
    wb_content_directory wb_data_folder wb_data_azure_blob wb_data_s3 wb_environment wb_compute_local wb_compute_pool
    wb_lifecycle
    wb_doctest_main)
  add_test(NAME contract_${contract_name} COMMAND contract_${contract_name})
  list(APPEND test_programs contract_${contract_name})
endforeach()

target_compile_definitions(contract_data_store PRIVATE WERKBANK_SOURCE_FOLDER="${CMAKE_SOURCE_DIR}")  # its testbed

# Suites on the whole server without sockets (tests/support/test_world.hh).
file(GLOB worlds CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/world/*.cc)
foreach(world ${worlds})
  get_filename_component(world_name ${world} NAME_WE)
  add_executable(world_${world_name} ${world})
  target_include_directories(world_${world_name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(world_${world_name} PRIVATE wb_api wb_store_memory wb_content_memory wb_data_folder wb_environment
    wb_compute_pool wb_doctest_main)
  add_test(NAME world_${world_name} COMMAND world_${world_name})
  list(APPEND test_programs world_${world_name})
endforeach()

# Targets are tried with the real runner.
foreach(contract contract_compute_pool contract_compute_target contract_compute_target_recovery
        contract_compute_target_environments)
  if(TARGET ${contract} AND TARGET werkbank-runner)
    target_compile_definitions(${contract} PRIVATE WERKBANK_RUNNER_FOR_TESTS="$<TARGET_FILE:werkbank-runner>")
    add_dependencies(${contract} werkbank-runner)
  endif()
endforeach()

# What ./test builds: `ninja all_tests`, and `ninja all_fuzzers` in the preset fuzz. A test that hangs fails after ten minutes.
add_custom_target(all_tests DEPENDS ${test_programs})
# Folders without a thread of their own gain nothing from ThreadSanitizer, whose build takes as long as all the rest.
set(threaded_programs ${test_programs})
list(FILTER threaded_programs EXCLUDE REGEX "^(domain|environment|access|client_project|cli)_test$")
add_custom_target(threaded_tests DEPENDS ${threaded_programs})
add_custom_target(all_fuzzers DEPENDS ${fuzz_programs})
get_property(registered_tests DIRECTORY PROPERTY TESTS)
set_tests_properties(${registered_tests} PROPERTIES TIMEOUT 600)
foreach(program ${threaded_programs})
  string(REGEX REPLACE "_test$" "" test_name ${program})
  set_tests_properties(${test_name} PROPERTIES LABELS threaded)
endforeach()
