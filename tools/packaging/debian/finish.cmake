# CPack runs this between installing the components in a directory of its own and packing them:
# strips, compresses and moves what Debian wants so, and adds what every package there has. Stops
# the packing when the changelog does not know the version.
set(program ${CPACK_TEMPORARY_DIRECTORY}/program/usr)
set(library ${CPACK_TEMPORARY_DIRECTORY}/library/usr)

file(STRINGS ${CPACK_TSDB_DEBIAN_FILES}/changelog first LIMIT_COUNT 1)
if(NOT first MATCHES "^tsdb \\(${CPACK_PACKAGE_VERSION}\\) ")
  message(FATAL_ERROR "tools/packaging/debian/changelog begins with '${first}', "
                      "but the version is ${CPACK_PACKAGE_VERSION}")
endif()

# run(<program> <argument>...): stops everything when it fails.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(strip --remove-section=.comment --remove-section=.note ${program}/bin/tsdb)
run(strip --strip-debug --enable-deterministic-archives ${library}/${CPACK_TSDB_LIBDIR}/libtsdb.a)

file(MAKE_DIRECTORY ${program}/share/zsh)
file(RENAME ${program}/share/zsh/site-functions ${program}/share/zsh/vendor-completions)
file(GLOB pages ${program}/share/man/man1/*.1)
run(gzip -9n ${pages})

file(REMOVE ${program}/share/doc/tsdb/LICENSE)  # copyright names where Debian keeps it
foreach(documents ${program}/share/doc/tsdb ${library}/share/doc/libtsdb-dev)
  file(COPY ${CPACK_TSDB_DEBIAN_FILES}/copyright ${CPACK_TSDB_DEBIAN_FILES}/changelog
       DESTINATION ${documents}
       FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  run(gzip -9n ${documents}/changelog)
endforeach()
